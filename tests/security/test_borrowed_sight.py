"""Nobody comes to see a person's records by having records of their own refer to them."""

from contextlib import suppress
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from core.people.contacts import ContactDetails, create_contact
from core.people.leads import LeadDetails, create_lead
from core.people.models import Contact
from core.platform.database import as_system
from core.tenancy.access.models import Role
from tests import factories as make

NEW_LEAD = """
    insert into app.leads (organization_id, id, contact_id, owner_user_id)
    values (app.cur_org(), :new, :other, app.cur_user())
"""
OWN_LEAD = "update app.leads set contact_id = :other where contact_id = :mine"
OWN_EVENT = "update app.events set contact_id = :other"
LEAD_OF_EVENT = "update app.events set lead_id = :lead"
MERGED = "update app.contacts set merged_into_id = :other where id = :mine"
ERASED = "update app.contacts set erased_at = now() where id = :mine"


class Case:
    """A member who owns a contact with a lead and takes a call, and a contact of nobody's."""

    def __init__(self, role):
        self.org = make.organization()
        boss, self.member = make.viewer(self.org), make.viewer(self.org, role)
        own = self.member.user_id
        with boss.transaction() as db:
            mine = ContactDetails("Mine", owner_user_id=own)
            self.mine = create_contact(db, mine, boss).id
            create_lead(db, self.mine, LeadDetails(owner_user_id=own), boss)
            self.other = create_contact(db, ContactDetails("Other"), boss).id
            self.lead = create_lead(db, self.other, LeadDetails(), boss).id
        with as_system(self.org) as db:
            closer = make.closer(db, self.org, user_id=own)
            make.event(db, self.org, closer_id=closer.id)

    def run(self, statement):
        given = {"mine": self.mine, "other": self.other, "lead": self.lead, "new": uuid4()}
        asked = {name: value for name, value in given.items() if f":{name}" in statement}
        with self.member.transaction() as db:
            db.execute(text(statement), asked)

    def facts(self):
        with as_system(self.org) as db:
            columns = (Contact.id, Contact.merged_into_id, Contact.erased_at, Contact.rep_user_ids)
            return db.execute(select(*columns).order_by(Contact.id)).all()

    def seen(self):
        with self.member.transaction() as db:
            return list(db.scalars(select(Contact.name).where(Contact.name.in_(("Mine", "Other")))))


@pytest.mark.parametrize("role", [Role.SALES_REP, Role.VIEWER])
@pytest.mark.parametrize(
    "statement",
    [NEW_LEAD, OWN_LEAD, OWN_EVENT, LEAD_OF_EVENT, MERGED, ERASED],
    ids=["new lead", "own lead", "own event", "lead of an event", "merged", "erased"],
)
def test_no_statement_gives_a_member_the_sight_of_anothers_contact(role, statement):
    case = Case(role)
    before = case.facts()
    with suppress(ProgrammingError):
        case.run(statement)
    assert case.facts() == before
    assert "Other" not in case.seen()


def test_a_manager_gives_a_lead_to_another_contact(database_url):
    case = Case(Role.MANAGER)
    case.run(OWN_LEAD)
    assert set(case.seen()) == {"Mine", "Other"}
