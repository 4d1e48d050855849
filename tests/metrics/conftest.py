"""One random history per time zone, and the oracle that knows its figures."""

import pytest

from tests.metrics.history import CHANGES, random_history
from tests.metrics.oracle import Oracle


@pytest.fixture(scope="package", params=list(CHANGES))
def history(request):
    return random_history(request.param, seed=1)


@pytest.fixture(scope="package")
def oracle(history):
    return Oracle(history.organization_id)
