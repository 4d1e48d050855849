"""The metadata of all tables of the product, for migrations and for the security layer."""

from importlib import import_module
from pathlib import Path

from core.migrations.packages import PACKAGES
from core.platform.schema import Base

ROOT = Path(__file__).parents[2]

for package in PACKAGES:
    if ROOT.joinpath(*package.split("."), "models.py").is_file():
        import_module(f"{package}.models")

metadata = Base.metadata
