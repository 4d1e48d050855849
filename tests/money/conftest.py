from __future__ import annotations

import pytest

from core.platform.database import as_system
from tests import factories as make
from tests.money.desk import ZONE, Desk


@pytest.fixture
def desk() -> Desk:
    org = make.organization(timezone=ZONE)
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
    return Desk(make.viewer(org), ana, bo)
