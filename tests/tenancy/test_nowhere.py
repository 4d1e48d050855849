"""What happens to people when their organisation is deleted: access ends, nothing is lost by
mistake, and one action deletes them.
"""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.messages.email_outbox import post_email
from core.messages.suppression_list import suppress
from core.operations.organizations import purge_organizations
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed
from core.tenancy.access.invitations import invite, revoke
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.password_resets import whose_link
from core.tenancy.access.platform_admin import (
    delete_organization,
    delete_user,
    delete_users_without_organization,
    users_overview,
    users_without_organization,
)
from core.tenancy.access.sessions import viewer_of
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import issue_ticket, open_session
from tests import factories as make
from tests.jobs.mail import HELLO
from tests.ports import owner
from tests.tenancy.purging import mentions, past_grace
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, token_of, words
from tests.ui.teams import super_admin

PASSWORD = "amber-birch-cobalt-1234"


@pytest.fixture
def boss(database_url):
    return super_admin(make.viewer(make.organization(), Role.OWNER))


def purged(boss, org):
    with boss.transaction() as db:
        name = db.scalar(
            text("select name from app.organizations_overview() where id = :id"), {"id": org}
        )
        delete_organization(db, org, name=name, typed=name)
    past_grace(org)
    purge_organizations()


def joins(person, org, **values):
    with as_system(org) as db:
        db.add(
            OrganizationMember(
                organization_id=org,
                user_id=person.user_id,
                name=person.name,
                email=person.email,
                **({"role": "viewer"} | values),
            )
        )


def adrift(boss):
    with boss.transaction() as db:
        return {row.id for row in users_without_organization(db)}


def facts(person):
    with owner() as db:
        query = (
            "select active, deleted_at is not null as gone, tokens_valid_from from app.users where"
            " id = :id"
        )
        return db.execute(text(query), {"id": person.user_id}).one()


def test_when_an_organisation_is_gone_its_people_are_signed_out_and_can_be_deleted_in_one_go(boss):
    org = make.organization()
    gone, twice, off = (make.viewer(org, role) for role in (Role.OWNER, Role.MANAGER, Role.VIEWER))
    other = make.organization()
    joins(twice, other)
    joins(off, other, active=False)
    sessions = {person: token_of(person) for person in (gone, twice)}
    ticket = issue_ticket(gone.user_id)
    with owner() as db:
        add = (
            "insert into app.password_resets (token_hash, user_id, expires_at) values (:hash,"
            " :user, now() + interval '1 hour')"
        )
        db.execute(text(add), {"hash": sha256(b"link").digest(), "user": gone.user_id})

    purged(boss, org)

    assert [
        viewer_of(sessions[gone]),
        open_session(ticket, address="192.0.2.1", user_agent="tests"),
    ] == [None, None]
    assert viewer_of(sessions[twice]).organization_id == other
    assert whose_link("link") is None
    assert facts(gone).tokens_valid_from > datetime(2026, 1, 1, tzinfo=UTC)
    assert facts(twice).tokens_valid_from is None
    assert adrift(boss) & {person.user_id for person in (gone, twice, off)} == {gone.user_id}
    with boss.transaction() as db:
        assert [users_overview(db, person.email)[0].places for person in (gone, twice, off)] == [
            [],
            [f"{home(other)} (viewer)"],
            [f"{home(other)} (viewer, off)"],
        ]
        assert (
            delete_users_without_organization(
                db, [gone.user_id, twice.user_id, off.user_id, boss.user_id], typed="Delete "
            )
            == 1
        )
    assert mentions(gone.email) == set()
    assert [facts(person).gone for person in (gone, twice, off)] == [True, False, False]


def home(org):
    with owner() as db:
        return db.scalar(text("select name from app.organizations where id = :id"), {"id": org})


def test_whoever_is_about_to_belong_somewhere_and_who_has_joined_meanwhile_are_kept(boss):
    org, admin = make.organization(), make.viewer(make.organization(), Role.ADMIN)
    awaited, joined, unseen = make.viewer(org), make.viewer(org), make.viewer(org)
    purged(boss, org)
    with admin.transaction() as db:
        invitation = invite(db, admin, awaited.email, Role.VIEWER).invitation.id
    assert adrift(boss) & {awaited.user_id, joined.user_id, unseen.user_id} == {
        joined.user_id,
        unseen.user_id,
    }
    joins(joined, admin.organization_id)
    with boss.transaction() as db:
        assert (
            delete_users_without_organization(db, [awaited.user_id, joined.user_id], typed="delete")
            == 0
        )
    assert not facts(unseen).gone
    with admin.transaction() as db:
        revoke(db, admin, invitation)
    assert awaited.user_id in adrift(boss)


def test_it_is_for_super_admins_and_has_to_be_said(boss):
    with pytest.raises(InvalidInput), boss.transaction() as db:
        delete_users_without_organization(db, [uuid4()], typed="yes")
    admin = make.viewer(make.organization(), Role.OWNER)
    with pytest.raises(NotAllowed), admin.transaction() as db:
        users_without_organization(db)
    with pytest.raises(NotAllowed), admin.transaction() as db:
        delete_users_without_organization(db, [uuid4()], typed="delete")


def test_what_waits_for_a_deleted_user_and_why_mail_did_not_reach_them_goes_too(boss):
    person = make.viewer(make.organization(), Role.MANAGER)
    lead = make.organization()
    with as_system(person.organization_id) as db:
        post_email(db, "invitation", person.email, HELLO, "hello")
        suppress(db, person.email, "complained", now())
    with as_system(lead) as db:
        suppress(db, person.email, "complained", now())
        db.execute(
            text("insert into app.contacts (organization_id, id, email) values (:org, :id, 'x')"),
            {"org": lead, "id": lead},
        )
        db.execute(
            text(
                "insert into app.contact_emails (organization_id, contact_id, email,"
                " email_normalized) values (:org, :id, :e, :e)"
            ),
            {"org": lead, "id": lead, "e": person.email},
        )
    with boss.transaction() as db:
        delete_user(db, person.user_id, email=person.email, typed=person.email, by=boss.user_id)

    about = {"email": person.email, "org": person.organization_id}
    with owner() as db:
        waiting = db.execute(
            text("select status, body ? 'sealed' from app.outbox where organization_id = :org"),
            about,
        )
        assert waiting.all() == [("failed", False)]
        blocked = db.execute(
            text(
                "select organization_id from app.suppressed_emails where email_normalized = :email"
            ),
            about,
        )
        assert blocked.scalars().all() == [lead]
        traces = db.execute(
            text(
                "select organization_id from app.audit_logs where strpos(changes::text, :email) > 0"
            ),
            about,
        )
        assert set(traces.scalars()) == {lead}


def test_the_screen_lists_them_and_deletes_them(boss):
    org = make.organization()
    person = make.viewer(org, name="Lost Person")
    purged(boss, org)
    page = opened("users", boss, q=person.email)  # the list itself ends at MOST_USERS
    assert any(f"Lost Person · {person.email}" in line for line in words(page))
    [row] = [each for each in grid(page, "email", "places").rows if each["email"] == person.email]
    assert row["places"] == "No organisation"
    for typed in ("no", "delete"):
        assert not facts(person).gone
        next(field for field in page.text_input if field.label.startswith("Type")).set_value(typed)
        with browser_of(boss):
            page = (
                next(button for button in page.button if button.label == "Delete all of them")
                .click()
                .run()
            )
        assert [error.value for error in page.error] == (
            ["Type “delete” to confirm&#46;"] if typed == "no" else []
        )
    assert facts(person).gone
    assert person.email not in " ".join(words(opened("users", boss)))


def test_whoever_belongs_nowhere_reads_so_when_they_sign_in(boss):
    org = make.organization()
    person = make.viewer(org, password_hash=hash_password(PASSWORD))
    purged(boss, org)
    page = opened("home", None)
    page.text_input[0].set_value(person.email)
    page.text_input[1].set_value(PASSWORD)
    with browser_of(None):
        page = page.button[0].click().run()
    assert (
        words(page)[-1]
        == "You belong to no organisation at present. Ask whoever runs yours to invite you."
    )
