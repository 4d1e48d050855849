"""Blocked addresses: listed with the most serious reason, removed by an admin, and then written to
again.
"""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core.messages.suppression_list import (
    blocked_addresses,
    lift,
    suppress,
    unreachable,
    unsubscribe,
)
from core.people.models import Contact, ContactEmail
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.models import Role
from tests import factories as make

ANA = "ana@example.com"


@pytest.fixture
def boss():
    return make.viewer(make.organization(), Role.OWNER)


def blocked(boss, email, reason, at=None):
    with as_system(boss.organization_id) as db:
        suppress(db, email, reason, at or now())


def unsubscribed(boss, email, **values):
    with as_system(boss.organization_id) as db:
        contact = Contact(
            organization_id=boss.organization_id, unsubscribed_at=now(), email=email, **values
        )
        db.add(contact)
        db.flush()
        db.add(
            ContactEmail(
                organization_id=boss.organization_id,
                contact_id=contact.id,
                email=email,
                email_normalized=email,
            )
        )
        return contact.id


def listed(boss, search=""):
    with boss.transaction() as db:
        return [(row.email, row.reason) for row in blocked_addresses(db, search)]


def test_each_address_stands_once_with_its_gravest_reason_the_latest_first(boss):
    blocked(boss, "old@example.com", "bounced", now() - timedelta(days=3))
    unsubscribed(boss, ANA)
    blocked(boss, ANA, "complained", now() - timedelta(days=1))
    unsubscribed(boss, "newest@example.com")
    assert listed(boss) == [
        ("newest@example.com", "unsubscribed"),
        (ANA, "complained"),
        ("old@example.com", "bounced"),
    ]
    assert listed(boss, " OLD@ ") == [("old@example.com", "bounced")]
    assert listed(boss, "%") == []


def test_who_was_erased_is_nobodys_address(boss):
    blocked(boss, "erased-0123456789abcdef@erased.invalid", "unsubscribed")
    unsubscribed(boss, "erased:0123", erased_at=now())
    assert listed(boss) == []


def test_an_admin_lifts_it_everywhere_and_the_audit_log_says_who(boss):
    contact_id = unsubscribed(boss, ANA)
    blocked(boss, ANA, "complained")
    with boss.transaction() as db:
        lift(db, boss, ANA)
    assert listed(boss) == []
    with boss.transaction() as db:
        lines = db.execute(
            text(
                "select table_name, operation, actor_user_id, changes from app.audit_logs where"
                " actor_user_id is not null order by table_name"
            )
        ).all()
        assert [line[:3] for line in lines] == [
            ("contacts", "update", boss.user_id),
            ("suppressed_emails", "delete", boss.user_id),
        ]
        assert lines[1].changes["reason"] == ["complained", None]
        assert db.get_one(Contact, (boss.organization_id, contact_id)).unsubscribed_at is None
    with boss.transaction() as db, pytest.raises(NotFound):
        lift(db, boss, ANA)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_else_lifts_one_or_blocks_one(boss, role):
    blocked(boss, ANA, "bounced")
    person = make.viewer(boss.organization_id, role)
    with pytest.raises(NotAllowed), person.transaction() as db:
        lift(db, person, ANA)
    with person.transaction() as db:
        assert db.execute(text("delete from app.suppressed_emails")).rowcount == 0
    with pytest.raises(Exception, match="row-level security"), person.transaction() as db:
        suppress(db, "other@example.com", "bounced", now())
    assert listed(boss) == [(ANA, "bounced")]


def test_only_an_admin_notes_that_somebody_wants_no_news_and_only_once(boss):
    contact = unsubscribed(boss, ANA)
    with pytest.raises(NotFound), boss.transaction() as db:
        unsubscribe(db, boss, ANA)
    with boss.transaction() as db:
        lift(db, boss, ANA)
    for role in (Role.MANAGER, Role.SALES_REP, Role.VIEWER):
        person = make.viewer(boss.organization_id, role)
        with pytest.raises(NotAllowed), person.transaction() as db:
            unsubscribe(db, person, ANA)
    assert listed(boss) == []

    with boss.transaction() as db:
        unsubscribe(db, boss, ANA)
        assert db.get_one(Contact, (boss.organization_id, contact)).unsubscribed_at is not None
    assert listed(boss) == [(ANA, "unsubscribed")]


def test_another_organisations_list_is_another(boss):
    blocked(make.viewer(make.organization(), Role.OWNER), ANA, "bounced")
    assert listed(boss) == []
    with boss.transaction() as db, pytest.raises(NotFound):
        lift(db, boss, ANA)


def test_whom_not_even_an_invitation_reaches(boss):
    blocked(boss, ANA, "bounced")
    blocked(boss, "no.news@example.com", "unsubscribed")
    with boss.transaction() as db:
        assert unreachable(db, [ANA, "no.news@example.com", "fine@example.com"]) == {ANA: "bounced"}
