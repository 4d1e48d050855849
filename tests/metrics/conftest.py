"""One random history per time zone, and the oracle that knows its figures."""

import pytest

from tests.metrics.history import CHANGES, random_history
from tests.metrics.oracle import Oracle

EVERY_RUN = ("Europe/Copenhagen", "Australia/Lord_Howe")
ZONES = [
    zone if zone in EVERY_RUN else pytest.param(zone, marks=pytest.mark.nightly) for zone in CHANGES
]


@pytest.fixture(scope="package", params=ZONES)
def history(request):
    return random_history(request.param, seed=1)


@pytest.fixture(scope="package")
def oracle(history):
    return Oracle(history.organization_id)
