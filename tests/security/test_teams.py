"""Managers who see their own team only: which rows they see, whatever the distance to them, in
every kind of transaction.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.bookings.models import Event
from core.money.models import Payment
from core.platform.advisory_locks import lock_books
from core.platform.database import as_board, as_key, as_system, as_viewed_member
from core.platform.errors import Conflict, NotAllowed, NotFound
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.reporting_lines import set_manager
from tests import factories as make
from tests.api.client import get, token_of
from tests.factories import NOON
from tests.ports import owner

PEOPLE = {
    "top": Role.MANAGER,
    "lead": Role.MANAGER,
    "ana": Role.SALES_REP,
    "bo": Role.SALES_REP,
    "cy": Role.SALES_REP,
    "boss": Role.ADMIN,
}
REPORTS = {"lead": "top", "ana": "lead", "bo": "lead", "cy": "top"}
BELOW = {
    "top": {"ana", "bo", "cy", "lead", "top"},
    "lead": {"ana", "bo", "lead"},
    "ana": {"ana"},
    "boss": {*PEOPLE, "nobody"},
}


class Crew:
    """Everybody has one event with one payment, and there is one event of nobody's. Bo's event was
    booked by Cy.
    """

    def __init__(self, **settings):
        self.org = make.organization(managers_see_their_team_only=True, **settings)
        self.people = {
            name: make.viewer(self.org, role, name=name) for name, role in PEOPLE.items()
        }
        with as_system(self.org) as db:
            closers = {
                name: make.closer(db, self.org, name, user_id=viewer.user_id)
                for name, viewer in self.people.items()
            }
            cy = make.setter(db, self.org, "cy", user_id=self.people["cy"].user_id)
            for number, name in enumerate([*PEOPLE, "nobody"]):
                closer, setter = closers.get(name), cy if name == "bo" else None
                event = make.event(
                    db,
                    self.org,
                    closer,
                    set_by=setter,
                    lead_name=name,
                    at=NOON + timedelta(hours=number),
                    email=f"{name}@example.com",
                )
                make.payment(
                    db,
                    self.org,
                    customer_name=name,
                    event_id=event.id,
                    closer_id=closer and closer.id,
                    setter_id=setter and setter.id,
                    email=f"{name}@example.com",
                )
            for who, to in REPORTS.items():
                set_manager(db, self.people[who].user_id, self.people[to].user_id)

    def seen(self, name):
        with self.people[name].transaction() as db:
            return what(db)


def what(db):
    events, payments = (
        set(db.scalars(select(Event.lead_name))),
        set(db.scalars(select(Payment.customer_name))),
    )
    assert events == payments
    return events


@pytest.fixture(scope="module")
def crew(database_url):
    return Crew()


@pytest.mark.parametrize("name", BELOW)
def test_a_manager_sees_the_rows_of_those_below_and_nobody_elses(crew, name):
    assert crew.seen(name) == BELOW[name]


def test_a_setter_of_the_team_counts_like_a_closer(crew):
    assert crew.seen("cy") == {"cy", "bo"}


@contextmanager
def switched(crew, on):
    with as_system(crew.org) as db:
        db.execute(
            text("update app.access_settings set managers_see_their_team_only = :on"), {"on": on}
        )
    try:
        yield
    finally:
        with as_system(crew.org) as db:
            db.execute(text("update app.access_settings set managers_see_their_team_only = true"))


def test_where_the_organisation_does_not_ask_for_it_a_manager_sees_everything(crew):
    with switched(crew, False):
        assert crew.seen("lead") == BELOW["boss"]
    assert crew.seen("lead") == BELOW["lead"]


def test_a_manager_changes_the_teams_calls_only(crew):
    with crew.people["lead"].transaction() as db:
        lock_books(db)
        changed = db.scalars(
            text("update app.events set cancel_reason = 'Seen to' returning lead_name")
        ).all()
    assert set(changed) == BELOW["lead"]


def test_what_has_no_person_on_it_is_not_shown_and_settings_are(crew):
    with as_system(crew.org) as db:
        db.execute(
            text(
                "insert into app.webhook_connections (organization_id, provider, name,"
                " rate_limit_per_minute) values (:org, 'stripe', 'Main', 60)"
            ),
            {"org": crew.org},
        )
    for name, sees in (("lead", 0), ("boss", 1)):
        with crew.people[name].transaction() as db:
            db.execute(text("select 1"))
            assert (
                db.scalar(text("select count(*) from app.events where lead_name = 'nobody'"))
                == sees
            )
            assert db.scalar(text("select count(*) from app.webhook_connections")) == 1


def test_the_api_and_whoever_looks_as_them_see_the_same(crew):
    items = get("/api/events", token_of(crew.people["lead"])).json()["items"]
    assert {item["lead_name"] for item in items} == BELOW["lead"]
    with as_viewed_member(crew.people["boss"].user_id, crew.people["lead"].user_id, crew.org) as db:
        assert what(db) == BELOW["lead"]


def test_leaderboards_show_everybody_only_where_reps_see_them_too():
    crew = Crew(leaderboards_visible=False)
    lead, boss = (crew.people[name].user_id for name in ("lead", "boss"))
    with pytest.raises(NotAllowed), as_board(lead, crew.org):
        pass
    with as_board(boss, crew.org) as db:
        assert what(db) == BELOW["boss"]
    with owner() as db:
        db.execute(
            text(
                "update app.access_settings set leaderboards_visible = true"
                " where organization_id = :org"
            ),
            {"org": crew.org},
        )
    with as_board(lead, crew.org) as db:
        assert what(db) == BELOW["boss"]


def test_the_next_transaction_of_the_connection_knows_nothing_of_the_team(crew):
    crew.seen("lead")
    with crew.people["boss"].transaction() as db:
        assert db.scalar(text("select current_setting('app.team_only', true)")) in (None, "")
    with pytest.raises(NotAllowed), as_key(b"unknown"):
        pass


@pytest.mark.parametrize(
    ("who", "to"), [("top", "ana"), ("top", "lead"), ("lead", "lead"), ("lead", "bo")]
)
def test_nobody_reports_in_a_circle(crew, who, to):
    with pytest.raises(Conflict), as_system(crew.org) as db:
        set_manager(db, crew.people[who].user_id, crew.people[to].user_id)
    with pytest.raises(Exception, match="somebody below them"), as_system(crew.org) as db:
        db.get_one(
            OrganizationMember, (crew.org, crew.people[who].user_id)
        ).manager_user_id = crew.people[to].user_id


def test_nobody_reports_to_somebody_of_another_organisation(crew):
    stranger = make.viewer(make.organization(), Role.MANAGER)
    with pytest.raises(NotFound), as_system(crew.org) as db:
        set_manager(db, crew.people["ana"].user_id, stranger.user_id)
    with pytest.raises(Exception, match="member of the organisation"), as_system(crew.org) as db:
        db.get_one(
            OrganizationMember, (crew.org, crew.people["ana"].user_id)
        ).manager_user_id = stranger.user_id


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_only_admins_say_who_reports_to_whom(role):
    org = make.organization()
    who, other = make.viewer(org, role), make.viewer(org, Role.SALES_REP)
    with pytest.raises(NotAllowed), who.transaction() as db:
        set_manager(db, other.user_id, who.user_id)
    with as_system(org) as db:
        assert db.get_one(OrganizationMember, (org, other.user_id)).manager_user_id is None
