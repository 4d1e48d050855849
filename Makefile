# Every target sets up what it needs: a virtual environment from the pinned requirements, and nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test proof bench lint lock screenshots

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

help:
	@echo "make run    everything on this machine, with a demo"
	@echo "make test   the whole test suite"
	@echo "make proof  the long proofs: full cross products, policy prover, fuzzer"
	@echo "make bench  benchmarks, each beside its baseline"
	@echo "make lint   ruff, mypy, import contracts, the layers of SQL"

$(VENV)/.run: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, as python3 on the PATH."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing packages …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, as python3 on the PATH."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing packages …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run

run: $(VENV)/.run
	@exec $(BIN)/python -m core.operations.supervisor

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(WORKERS)

proof: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(WORKERS) -m "nightly or hypothesis" --hypothesis-profile=nightly --timeout=1800

bench: $(VENV)/.dev
	@$(BIN)/python -m bench

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m core.migrations.sql_layers

lock: $(VENV)/.dev
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements.txt requirements-dev.in -o requirements-dev.txt

screenshots: $(VENV)/.dev
	@$(BIN)/python docs/make_pictures.py
