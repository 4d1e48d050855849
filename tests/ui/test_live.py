"""An open page asks for the stamp of its data: whoever may see the dashboard is answered, and only
as long as they may.
"""

from datetime import timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import text

from core.metrics.dashboard import data_stamp
from core.metrics.filters import Filters
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.tokens import hash_token
from core.tenancy.access.models import Role
from core.tenancy.identity.sign_in import close_session
from tests import factories as make
from tests.ports import owner
from tests.statements import statements
from tests.ui.screens import opened, token_of
from tests.ui.server import ask


def asked(token, organization_id, *narrowed):
    query = [("organization", str(organization_id)), *(("narrowed", key) for key in narrowed)]
    return ask("GET", "/live/dashboard", cookie=token, params=query)


def data_of(answer):
    """The stamp of the data alone, without the minute."""
    return answer.text.split(" ", 1)[1]


@pytest.fixture
def manager():
    return make.viewer(make.organization(), Role.MANAGER)


def test_the_stamp_is_that_of_the_dashboard_and_another_one_after_each_change(manager):
    token, org = token_of(manager), manager.organization_id
    stamps = []
    for narrowed in ([], ["package"]):
        with manager.transaction() as db:
            stamp = data_stamp(db, Filters(dict.fromkeys(narrowed, (None,))))
        answer = asked(token, org, *narrowed)
        assert (answer.status_code, data_of(answer)) == (200, stamp)
        assert answer.headers["cache-control"] == "no-store"
    for make_row in (make.event, make.payment):
        stamps.append(data_of(asked(token, org)))
        with as_system(org) as db:
            make_row(db, org)
    assert len({*stamps, data_of(asked(token, org))}) == 3
    assert asked(token, org, "nonsense").status_code == 200


def test_the_stamp_is_another_one_a_minute_later_since_forms_become_overdue_and_days_begin(manager):
    token, at = token_of(manager), now()
    found = []
    for later in (timedelta(0), timedelta(minutes=1)):
        with patch("core.ui.cache.now", lambda instant=at + later: instant):
            found.append(asked(token, manager.organization_id).text)
    assert len(set(found)) == 2
    assert len({each.split(" ", 1)[1] for each in found}) == 1


def test_whoever_may_not_see_the_dashboard_is_told_nothing(manager):
    elsewhere, rep = make.organization(), make.viewer(manager.organization_id, Role.SALES_REP)
    assert asked(None, manager.organization_id).status_code == 401
    assert asked(token_of(manager), elsewhere).status_code == 403
    assert asked(token_of(manager), "nonsense").status_code == 403
    assert asked(token_of(rep), manager.organization_id).status_code == 403
    ended = token_of(manager)
    close_session(ended)
    assert asked(ended, manager.organization_id).status_code == 401


def test_to_ask_keeps_no_session_from_ending(manager):
    token = token_of(manager)
    session = {"token": hash_token(token)}
    with owner() as db:
        db.execute(
            text(
                "update app.sign_in_sessions set last_seen_at = now() - interval '11 hours'"
                " where token_hash = :token"
            ),
            session,
        )
    assert asked(token, manager.organization_id).status_code == 200
    with owner() as db:
        since = text(
            "select now() - last_seen_at from app.sign_in_sessions where token_hash = :token"
        )
        assert db.execute(since, session).scalar() > timedelta(hours=10)


def test_a_stamp_is_one_statement_of_the_last_change_of_each_table(manager):
    with manager.transaction() as db, statements() as made:
        data_stamp(db, Filters())
    [stamp] = made
    assert stamp.count("app.last_change_of") == 8


def test_an_open_dashboard_asks_about_what_it_shows(manager):
    with as_system(manager.organization_id) as db:
        make.closer(db, manager.organization_id, "Ana")
    for query, narrowed in (({}, ""), ({"closer": "Ana"}, "narrowed=closer&")):
        page = opened("dashboard", manager, **query)
        drawn = [each.proto.json for each in page.get("bidi_component")]
        address = f"/live/dashboard?{narrowed}organization={manager.organization_id}"
        assert [each for each in drawn if f'"{address}"' in each]
