"""One random history per time zone, and the oracle that knows its figures."""

import pytest

from tests.metrics.history import CHANGES, random_history
from tests.metrics.oracle import Oracle

EVERY_RUN = ("Europe/Copenhagen", "Australia/Lord_Howe")
AT_NIGHT = [zone for zone in CHANGES if zone not in EVERY_RUN]
ZONES = [*EVERY_RUN, *(pytest.param(zone, marks=pytest.mark.nightly) for zone in AT_NIGHT)]


@pytest.fixture(scope="package", params=ZONES)
def history(request):
    return random_history(request.param, seed=1)


@pytest.fixture(scope="package")
def oracle(history):
    return Oracle(history.organization_id)
