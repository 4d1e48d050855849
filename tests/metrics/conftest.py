"""One random history per time zone, and the oracle that knows its figures."""

from functools import cache, partial

import pytest

from tests.metrics.history import CHANGES, random_history
from tests.metrics.oracle import Oracle

EVERY_RUN = ("Europe/Copenhagen", "Australia/Lord_Howe")
AT_NIGHT = [zone for zone in CHANGES if zone not in EVERY_RUN]
ZONES = [*EVERY_RUN, *(pytest.param(zone, marks=pytest.mark.nightly) for zone in AT_NIGHT)]


# The tests of the zones come in turn, and nobody changes a history: it is written once for all.
history_of = cache(partial(random_history, seed=1))
oracle_of = cache(Oracle)


@pytest.fixture(params=ZONES)
def history(request):
    return history_of(request.param)


@pytest.fixture
def oracle(history):
    return oracle_of(history.organization_id)
