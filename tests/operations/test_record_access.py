"""Who can see it, and why: the answer is what the member really reads."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from core.operations.record_access import (
    Decider,
    RecordKind,
    explain,
    explain_for_all,
    found_records,
    record_question,
)
from core.people.actions import Person, find_or_make_contact
from core.people.models import Lead
from core.platform.advisory_locks import lock_books
from core.platform.database import as_system
from core.platform.errors import NotAllowed, NotFound
from core.platform.schema import Base
from core.platform.security.policies import access_of
from core.platform.security.reading import Reader, may_read
from core.tenancy.access.authorization import Access
from core.tenancy.access.models import MEMBER_ROLES, OrganizationMember, Role
from core.tenancy.access.reporting_lines import set_manager
from core.tenancy.access.roles import EVERYBODY, MANAGERS
from core.tenancy.organizations.modules import BOOKINGS
from tests import factories as make
from tests.examples import whole_histories
from tests.factories import NOON
from tests.ui.grids import grids
from tests.ui.screens import opened, press, words

OPEN = Access(EVERYBODY)
PEOPLE = 5
WHO = st.integers(0, PEOPLE - 1)
MAYBE = st.none() | WHO


def records_of(org, assigned):
    """For each pair of a closer and a setter, by their numbers, one booking of one lead with one
    payment; the ids of all by kind.
    """
    closers, setters, people = assigned["closers"], assigned["setters"], assigned["events"]
    made = {kind: [] for kind in RecordKind}
    with as_system(org) as db:
        for number, (closer, setter) in enumerate(people):
            email = f"lead.{number}@example.com"
            contact = find_or_make_contact(db, Person(f"Lead {number}", email), "US")
            lead = Lead(organization_id=org, contact_id=contact.id)
            db.add(lead)
            db.flush()
            event = make.event(
                db,
                org,
                None if closer is None else closers[closer],
                set_by=None if setter is None else setters[setter],
                at=NOON + timedelta(hours=number),
                email=email,
                contact_id=contact.id,
                lead_id=lead.id,
            )
            paid = make.payment(
                db,
                org,
                email=email,
                event_id=event.id,
                closer_id=event.closer_id,
                setter_id=event.setter_id,
            )
            made[RecordKind.EVENT].append(event.id)
            made[RecordKind.PAYMENT].append(paid.id)
            made[RecordKind.LEAD].append(lead.id)
            made[RecordKind.CONTACT].append(contact.id)
    return made


def really_reads(who, kind, row_id):
    try:
        with who.transaction() as db:
            table = kind.table
            return db.scalar(select(table.c.id).where(table.c.id == row_id)) is not None
    except NotAllowed:
        return False


@given(
    roles=st.lists(st.sampled_from(MEMBER_ROLES), min_size=PEOPLE, max_size=PEOPLE),
    active=st.lists(st.sampled_from([True, True, False]), min_size=PEOPLE, max_size=PEOPLE),
    above=st.lists(MAYBE, min_size=PEOPLE, max_size=PEOPLE),
    team_only=st.booleans(),
    events=st.lists(st.tuples(MAYBE, MAYBE), min_size=1, max_size=3),
)
@whole_histories()
def test_the_answer_is_what_each_member_really_reads(
    database_url, roles, active, above, team_only, events
):
    org = make.organization(managers_see_their_team_only=team_only)
    asker = make.viewer(org, Role.OWNER)
    people = [make.viewer(org, role) for role in roles]
    with as_system(org) as db:
        closers, setters = (
            [
                add(db, org, f"{place}", user_id=who.user_id if place != 1 else None)
                for place, who in enumerate(people)
            ]
            for add in (make.closer, make.setter)
        )
        for place, manager in enumerate(above):
            if manager is not None and manager < place:  # no circles
                set_manager(db, people[place].user_id, people[manager].user_id)
    made = records_of(org, {"closers": closers, "setters": setters, "events": events})
    with as_system(org) as db:
        off = [who.user_id for who, is_on in zip(people, active, strict=True) if not is_on]
        members = update(OrganizationMember).where(OrganizationMember.user_id.in_(off))
        db.execute(members.values(active=False))
    asked = [(who, kind, each) for who in people for kind in RecordKind for each in made[kind]]
    with asker.transaction() as db:
        answers = [explain(db, who.user_id, kind, each, OPEN) for who, kind, each in asked]
    assert [each.sees for each in answers] == [really_reads(*each) for each in asked]
    assert all(each.sees or each.change for each in answers)


class Crew:
    """Bo's booking, which Bo's manager Mo, the rep Ana, a viewer and others look for."""

    def __init__(self, **settings):
        self.org = make.organization(**settings)
        roles = {"Bo": "sales_rep", "Ana": "sales_rep", "Mo": "manager", "Max": "manager"}
        roles |= {"Vi": "viewer", "Olga": "owner"}
        self.people = {name: make.viewer(self.org, role, name=name) for name, role in roles.items()}
        with as_system(self.org) as db:
            bo = make.closer(db, self.org, "Bo", user_id=self.people["Bo"].user_id)
            unlinked = make.closer(db, self.org, "Al")
            set_manager(db, self.people["Bo"].user_id, self.people["Mo"].user_id)
        assigned = {"closers": [bo, unlinked], "setters": [], "events": [(0, None), (1, None)]}
        self.made = records_of(self.org, assigned)

    def ask(self, name, kind=RecordKind.EVENT, number=0, access=OPEN):
        with self.people["Olga"].transaction() as db:
            found = explain(db, self.people[name].user_id, kind, self.made[kind][number], access)
        return found.sees, found.decides, found.why


@pytest.mark.parametrize(
    ("name", "kind", "number", "answer"),
    [
        ("Olga", "event", 0, (True, Decider.ROLE, "Olga sees every booking as owner.")),
        (
            *("Vi", "event", 0),
            (
                True,
                Decider.ROLE,
                "Vi sees every booking as viewer, without names and contact details.",
            ),
        ),
        ("Vi", "contact", 0, (False, Decider.ROLE, "As viewer, Vi sees no contacts.")),
        ("Bo", "payment", 0, (True, Decider.ASSIGNMENT, "The payment belongs to Bo.")),
        (
            *("Ana", "event", 0),
            (
                False,
                Decider.ASSIGNMENT,
                "Ana sees their own bookings only; this one belongs to closer Bo.",
            ),
        ),
        (
            *("Ana", "contact", 0),
            (
                False,
                Decider.ASSIGNMENT,
                "Ana sees their own contacts only; this one belongs to Bo.",
            ),
        ),
        (
            *("Mo", "lead", 0),
            (True, Decider.REPORTING_LINE, "The lead belongs to Bo, who reports to Mo."),
        ),
        (
            *("Max", "event", 0),
            (
                False,
                Decider.REPORTING_LINE,
                "Max sees their own team only; this booking belongs to closer Bo.",
            ),
        ),
        (
            *("Max", "event", 1),
            (
                False,
                Decider.REPORTING_LINE,
                "Max sees their own team only; this booking belongs to closer Al.",
            ),
        ),
    ],
)
def test_it_is_said_what_decides(database_url, name, kind, number, answer):
    crew = Crew(managers_see_their_team_only=True)
    assert crew.ask(name, RecordKind(kind), number) == answer


def test_what_keeps_somebody_out_of_everything_is_said_first(database_url):
    crew = Crew(require_second_factor=True)
    assert crew.ask("Mo")[:2] == (False, Decider.SECOND_FACTOR)
    with as_system(crew.org) as db:
        db.execute(text("update app.access_settings set require_second_factor = false"))
    assert crew.ask("Mo", access=Access(EVERYBODY, "phone"))[:2] == (False, Decider.MODULE)
    assert crew.ask("Mo", access=Access(EVERYBODY, BOOKINGS))[:2] == (True, Decider.ROLE)
    assert crew.ask("Bo", access=Access(MANAGERS))[:2] == (False, Decider.ROLE)
    with as_system(crew.org) as db:
        lock_books(db)
        db.execute(text("update app.events set deleted_at = now()"))
        member = update(OrganizationMember).where(OrganizationMember.name == "Ana")
        db.execute(member.values(active=False))
    assert crew.ask("Mo")[:2] == (False, Decider.STATUS)
    assert crew.ask("Ana", RecordKind.PAYMENT)[:2] == (False, Decider.MEMBERSHIP)


def test_only_admins_ask_and_only_of_their_own_organisation(database_url):
    crew, other = Crew(), make.viewer(make.organization(), "owner")
    row, ana = crew.made[RecordKind.EVENT][0], crew.people["Ana"].user_id
    for name in ("Mo", "Vi"):
        with pytest.raises(NotAllowed), crew.people[name].transaction() as db:
            explain(db, ana, RecordKind.EVENT, row, OPEN)
    with pytest.raises(NotFound), other.transaction() as db:
        explain(db, ana, RecordKind.EVENT, row, OPEN)
    with other.transaction() as db:
        assert db.execute(text("select * from app.identity_of(:user)"), {"user": ana}).all() == []


def test_every_tables_policy_can_be_asked_for_somebody_else(database_url):
    admin = make.viewer(make.organization())
    reader = Reader(admin.user_id, "viewer", [admin.user_id], False)
    with admin.transaction() as db:
        for table in Base.metadata.sorted_tables:
            if "id" in table.columns and access_of(table).select:
                assert may_read(db, table, uuid4(), reader) is False


def test_each_question_stands_in_the_audit_log(database_url):
    crew = Crew()
    row, ana, olga = crew.made[RecordKind.EVENT][0], crew.people["Ana"], crew.people["Olga"]
    with olga.transaction() as db:
        record_question(db, ana.user_id, RecordKind.EVENT, row)
        line = db.execute(
            text(
                "select actor_user_id, table_name, row_id, changes from app.audit_logs"
                " where operation = 'explain_access'"
            )
        ).one()
    asked = {"user_id": [None, str(ana.user_id)]}
    assert tuple(line) == (olga.user_id, "events", str(row), asked)


@pytest.mark.parametrize("kind", RecordKind)
def test_records_are_found_by_name_and_address(kind, database_url):
    crew = Crew()
    with crew.people["Olga"].transaction() as db:
        for asked in (
            ("LEAD.1@example.com", "ead 1") if kind != "payment" else ("lead.1@example.com",)
        ):
            found = found_records(db, kind, asked)
            if kind != "event" or "@" in asked:
                assert [row.id for row in found] == [crew.made[kind][1]]
        assert len(explain_for_all(db, kind, crew.made[kind][0], OPEN)) == len(crew.people)


def test_the_screen_answers_for_one_member_and_for_everybody(database_url):
    crew = Crew()
    olga, row = crew.people["Olga"], crew.made[RecordKind.EVENT][0]
    page = opened("who-sees", olga, kind="event", id=str(row))
    assert not page.exception
    next(each for each in page.selectbox if each.label == "Member").set_value(
        crew.people["Ana"].user_id
    )
    page = press(page, olga, "Check")
    assert not page.exception
    assert any("Ana can't see it" in line for line in words(page))
    assert "Open Booking" in {each.proto.label for each in page.get("page_link")}
    next(each for each in page.selectbox if each.label == "Member").set_value(None)
    page = press(page, olga, "Check")
    assert not page.exception
    assert len(grids(page)) == 1
