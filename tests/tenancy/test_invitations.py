"""An invitation is accepted once, by the person who was invited, with the role they were invited
for. Other links do nothing.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.messages.account_emails import open_invitations, send_invitation
from core.messages.email_outbox import open_email
from core.platform.database import as_guest, as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from core.platform.models import AuditLog
from core.platform.normalization import mailable_email
from core.tenancy.access import invitations
from core.tenancy.access.invitations import (
    accept_as,
    accept_as_new,
    accept_with_password,
    invite,
    look_up,
    renew,
    revoke,
)
from core.tenancy.access.models import MEMBER_ROLES, Invitation, Role
from core.tenancy.access.team import set_member_active, set_role
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import sign_in
from tests import factories as make
from tests.ports import owner
from tests.providers.history import rows

PASSWORD = "amber-birch-cobalt-1234"
HERE = "192.0.2.7"


@pytest.fixture
def admin():
    return make.viewer(make.organization(name="Acme"), Role.ADMIN)


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


def invited(viewer, email=None, role="sales_rep"):
    with viewer.transaction() as db:
        issued = invite(db, viewer, email or f"new{next(make.number)}@example.com", role)
        send_invitation(db, viewer, issued)
        return issued


def member(org, email):
    found = rows(
        org,
        f"select user_id, role, name, active from app.organization_members where email = '{email}'",
    )
    return found[0] if found else None


def aged(issued, **ages):
    with owner() as db:
        for column, age in ages.items():
            db.execute(
                text(
                    f"update app.invitations set {column} = now() - cast(:age as interval) where id"
                    " = :id"
                ),
                {"age": age, "id": issued.invitation.id},
            )


@pytest.mark.parametrize(
    "typed",
    ["Ana.%s@BÜCHER.example", "ana.%s@xn--bcher-kva.example", "añá.%s@bu\u0308cher.example"],
)
def test_an_address_of_any_letters_is_invited_accepted_and_signed_in_with(admin, typed):
    typed = typed % next(make.number)
    known = mailable_email(typed)
    accept_as_new(invited(admin, typed).token, "Ana", PASSWORD)
    assert sign_in(known.upper(), PASSWORD, address=HERE)
    for again in (typed, known):
        with pytest.raises(Conflict, match="belongs to this organisation already"):
            invited(admin, again)
    with as_system(admin.organization_id) as db:
        assert [message.recipient for message in db.scalars(select(OutboxMessage))] == [known]


def test_whoever_accepts_becomes_a_user_and_a_member_and_sees_their_calls(admin):
    org, email = admin.organization_id, "ana.new@example.com"
    with as_system(org) as db:
        closer = make.closer(db, org, "Ana", email="Ana.New@Example.com")
        setter = make.setter(db, org, "Ana", email=email, email_normalized=email)
        event = make.event(db, org, closer)
    issued = invited(admin, " Ana.New@example.com ")
    assert look_up(issued.token) == invitations.Found(
        "Acme", "Ana.New@example.com", "sales_rep", "open", None
    )

    accept_as_new(issued.token, "  Ana   New ", PASSWORD)

    joined = member(org, "Ana.New@example.com")
    assert (joined["role"], joined["name"], joined["active"]) == ("sales_rep", "Ana New", True)
    assert sign_in(email, PASSWORD, address=HERE) == joined["user_id"]
    linked = rows(org, "select user_id from app.closers union all select user_id from app.setters")
    assert [row["user_id"] for row in linked] == [joined["user_id"]] * 2
    rep = replace(admin, user_id=joined["user_id"], role=Role.SALES_REP)
    with rep.transaction() as db:
        assert db.scalars(text("select id from app.events")).all() == [event.id]
    assert setter.user_id is None
    assert look_up(issued.token).state == "accepted"


def test_the_audit_log_says_who_invited_and_who_accepted(admin):
    issued = invited(admin)
    accept_as_new(issued.token, "Bo", PASSWORD)
    with admin.transaction() as db:
        lines = db.scalars(
            select(AuditLog)
            .where(AuditLog.table_name.in_(["invitations", "organization_members"]))
            .order_by(AuditLog.at)
        )
        told = [(line.table_name, line.operation, line.actor_user_id) for line in lines]
    joined = member(admin.organization_id, issued.invitation.email)["user_id"]
    assert told[-3:] == [
        ("invitations", "insert", admin.user_id),
        ("organization_members", "insert", joined),
        ("invitations", "update", joined),
    ]


def test_somebody_who_is_known_joins_with_the_password_they_have(admin, password_hash):
    person = make.viewer(make.organization(), Role.OWNER, password_hash=password_hash)
    issued = invited(admin, person.email, "manager")
    assert look_up(issued.token).user_id == person.user_id
    with pytest.raises(NotAllowed):
        accept_with_password(issued.token, "not the password", address=HERE)
    assert member(admin.organization_id, person.email) is None

    accept_with_password(issued.token, PASSWORD, address=HERE)

    joined = member(admin.organization_id, person.email)
    assert (joined["user_id"], joined["role"], joined["name"]) == (
        person.user_id,
        "manager",
        person.name,
    )


def test_wrong_passwords_on_an_invitation_are_counted_like_on_the_sign_in(admin, password_hash):
    person = make.viewer(make.organization(), password_hash=password_hash)
    issued = invited(admin, person.email)
    for _ in range(5):
        with pytest.raises(NotAllowed):
            accept_with_password(issued.token, "not the password", address=HERE)
    with pytest.raises(TooManyRequests):
        accept_with_password(issued.token, PASSWORD, address=HERE)


def test_nobody_takes_over_a_known_account_by_calling_themselves_new(admin, password_hash):
    person = make.viewer(make.organization(), password_hash=password_hash)
    issued = invited(admin, person.email)
    with pytest.raises(Conflict):
        accept_as_new(issued.token, "Thief", "another-password-99")
    assert sign_in(person.email, PASSWORD, address=HERE) == person.user_id
    assert member(admin.organization_id, person.email) is None


def test_whoever_is_signed_in_joins_only_with_an_invitation_of_their_own(admin):
    person, other = make.viewer(make.organization()), make.viewer(make.organization())
    issued = invited(admin, person.email)
    with pytest.raises(NotAllowed):
        accept_as(issued.token, other)
    accept_as(issued.token, person)
    assert member(admin.organization_id, person.email)["user_id"] == person.user_id


def test_an_admin_who_looks_as_somebody_accepts_nothing_for_them(admin):
    person = make.viewer(make.organization())
    issued = invited(admin, person.email)
    with pytest.raises(NotAllowed):
        accept_as(issued.token, replace(person, seen_by=admin.user_id))
    assert look_up(issued.token).state == "open"


def test_an_invitation_is_accepted_once(admin):
    issued = invited(admin)
    accept_as_new(issued.token, "Bo", PASSWORD)
    for again in (
        lambda: accept_as_new(issued.token, "Cy", PASSWORD),
        lambda: accept_with_password(issued.token, PASSWORD, address=HERE),
    ):
        with pytest.raises(Conflict):
            again()


@pytest.mark.parametrize(
    ("age", "state"),
    [
        ({"expires_at": "1 second"}, "expired"),
        ({"revoked_at": "1 second"}, "revoked"),
    ],
)
def test_an_expired_or_revoked_invitation_says_so_and_lets_nobody_in(admin, age, state):
    issued = invited(admin)
    aged(issued, **age)
    assert look_up(issued.token).state == state
    with pytest.raises(Conflict):
        accept_as_new(issued.token, "Bo", PASSWORD)
    assert member(admin.organization_id, issued.invitation.email) is None


def test_an_invitation_is_good_for_seven_days(admin):
    invitation = invited(admin).invitation
    assert invitation.expires_at - invitation.last_sent_at >= timedelta(days=6, hours=23)
    assert invitation.expires_at - invitation.last_sent_at < timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    "forged", ["", "x", "a" * 43, "' or true --", "\u0000", "é" * 20, "a" * 100_000]
)
def test_a_made_up_token_leads_nowhere(admin, forged):
    issued = invited(admin)
    for token in (
        forged,
        issued.token + forged + "x",
        issued.token[:-1],
        issued.token.swapcase(),
        issued.invitation.token_hash.hex(),
    ):
        assert look_up(token) is None
        with pytest.raises(Conflict):
            accept_as_new(token, "Bo", PASSWORD)


def test_an_organisation_that_is_gone_takes_nobody_in(admin):
    issued = invited(admin)
    with as_system(admin.organization_id) as db:
        db.execute(text("update app.organizations set deleted_at = now()"))
    assert look_up(issued.token) is None
    with pytest.raises(Conflict):
        accept_as_new(issued.token, "Bo", PASSWORD)


def test_sending_again_makes_the_earlier_link_worthless_and_the_new_one_good_for_seven_days(admin):
    first = invited(admin)
    aged(first, expires_at="1 day")
    with admin.transaction() as db:
        second = renew(db, admin, first.invitation.id)
        send_invitation(db, admin, second)
    assert look_up(first.token) is None
    assert look_up(second.token).state == "open"
    assert second.invitation.sent_count == 2
    accept_as_new(second.token, "Bo", PASSWORD)


def test_it_is_sent_five_times_at_most(admin):
    issued = invited(admin)
    with admin.transaction() as db:
        for _ in range(4):
            renew(db, admin, issued.invitation.id)
        with pytest.raises(Conflict):
            renew(db, admin, issued.invitation.id)


def test_thirty_invitations_an_hour_are_enough_for_an_organisation_and_no_hindrance_for_another(
    admin, monkeypatch
):
    monkeypatch.setattr(invitations, "MOST_AN_HOUR", 3)
    colleague = make.viewer(admin.organization_id, Role.OWNER)
    for viewer in (admin, colleague, admin):
        invited(viewer)
    with pytest.raises(TooManyRequests):
        invited(colleague)
    invited(make.viewer(make.organization()))


def test_the_link_is_in_the_email_and_nowhere_that_a_manager_can_read(admin):
    issued = invited(admin)
    with as_system(admin.organization_id) as db:
        email = open_email(db.scalars(select(OutboxMessage)).one())
    assert f"/invitation?token={issued.token}" in email.text
    assert admin.name.replace(".", ".\u2060") in email.subject
    manager = make.viewer(admin.organization_id, Role.MANAGER)
    with manager.transaction() as db:
        seen = " ".join(
            str(row)
            for table in ("outbox", "invitations")
            for row in db.execute(text(f"select * from app.{table}")).all()
        )
    assert seen
    assert issued.token not in seen


@pytest.mark.parametrize(
    "role", [role for role in MEMBER_ROLES if role not in (Role.OWNER, Role.ADMIN)]
)
def test_who_is_no_admin_invites_nobody(admin, role):
    person = make.viewer(admin.organization_id, role)
    issued = invited(admin)
    with person.transaction() as db:
        for attempt in (
            lambda: invite(db, person, "x@example.com", "viewer"),
            lambda: renew(db, person, issued.invitation.id),
            lambda: revoke(db, person, issued.invitation.id),
        ):
            with pytest.raises((NotAllowed, NotFound)):
                attempt()
    assert look_up(issued.token).state == "open"


def test_an_admin_invites_no_owner_and_an_owner_does(admin):
    boss = make.viewer(admin.organization_id, Role.OWNER)
    with pytest.raises(NotAllowed):
        invited(admin, role="owner")
    issued = invited(boss, role="owner")
    with admin.transaction() as db:
        for act in (renew, revoke):
            with pytest.raises(NotAllowed):
                act(db, admin, issued.invitation.id)
    accept_as_new(issued.token, "Bo", PASSWORD)
    assert member(admin.organization_id, issued.invitation.email)["role"] == "owner"


@pytest.mark.parametrize("role", ["super_admin", "system", "", "Owner"])
def test_nobody_is_invited_as_what_is_no_role_of_a_member(admin, role):
    with pytest.raises(InvalidInput):
        invited(admin, role=role)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a@b",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "<a@example.com>",
    ],
)
def test_nobody_is_invited_at_what_is_not_one_address(admin, email):
    with admin.transaction() as db, pytest.raises(InvalidInput):
        invite(db, admin, email, "viewer")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "Ana\u202e"])
def test_a_new_person_says_a_name(admin, name):
    with pytest.raises(InvalidInput):
        accept_as_new(invited(admin).token, name, PASSWORD)


@pytest.mark.parametrize("password", ["short", "password12345", ""])
def test_a_new_persons_password_is_held_to_the_rules(admin, password):
    issued = invited(admin)
    with pytest.raises(InvalidInput):
        accept_as_new(issued.token, "Bo", password)
    assert look_up(issued.token).state == "open"


def test_a_member_or_somebody_invited_is_not_invited_again(admin):
    colleague = make.viewer(admin.organization_id)
    waiting = invited(admin)
    for email in (colleague.email.upper(), waiting.invitation.email):
        with pytest.raises(Conflict):
            invited(admin, email)
    with admin.transaction() as db:
        revoke(db, admin, waiting.invitation.id)
    invited(admin, waiting.invitation.email)


def test_two_organisations_invite_the_same_person_and_do_not_see_each_others_invitations(admin):
    other = make.viewer(make.organization())
    ours, theirs = invited(admin, "both@example.com"), invited(other, "both@example.com")
    with admin.transaction() as db:
        assert list(open_invitations(db)["id"]) == [ours.invitation.id]
        for act in (renew, revoke):
            with pytest.raises(NotFound):
                act(db, admin, theirs.invitation.id)
    accept_as_new(ours.token, "Both", PASSWORD)
    accept_with_password(theirs.token, PASSWORD, address=HERE)
    assert member(other.organization_id, "both@example.com")["name"] == "Both"


def test_somebody_who_was_put_out_does_not_come_back_by_an_invitation(admin):
    person = make.viewer(admin.organization_id)
    with owner() as db:
        db.execute(
            text(
                "update app.organization_members set email = 'was@example.com' where user_id ="
                " :user"
            ),
            {"user": person.user_id},
        )
    issued = invited(admin, person.email)
    with owner() as db:
        db.execute(
            text("update app.organization_members set active = false where user_id = :user"),
            {"user": person.user_id},
        )
    with pytest.raises(Conflict):
        accept_as(issued.token, person)
    assert member(admin.organization_id, "was@example.com")["active"] is False


def test_an_account_that_was_closed_joins_nothing(admin, password_hash):
    person = make.viewer(make.organization(), password_hash=password_hash)
    issued = invited(admin, person.email)
    with owner() as db:
        db.execute(
            text("update app.users set active = false where id = :user"), {"user": person.user_id}
        )
    for accept in (
        lambda: accept_as(issued.token, person),
        lambda: accept_with_password(issued.token, PASSWORD, address=HERE),
        lambda: accept_as_new(issued.token, "Bo", PASSWORD),
    ):
        with pytest.raises((Conflict, NotAllowed)):
            accept()
    assert member(admin.organization_id, person.email) is None


def test_whoever_may_no_longer_invite_leaves_no_invitation_behind(admin):
    boss, org = make.viewer(admin.organization_id, Role.OWNER), admin.organization_id
    deputy = make.viewer(org, Role.OWNER)
    fired, lowered, from_admin = invited(admin), invited(deputy, role="owner"), invited(deputy)
    with boss.transaction() as db:
        set_member_active(db, boss, admin.user_id, False)
        set_role(db, boss, deputy.user_id, "admin")
    assert [look_up(each.token).state for each in (fired, lowered, from_admin)] == [
        "revoked",
        "revoked",
        "open",
    ]
    with boss.transaction() as db:
        set_role(db, boss, deputy.user_id, "manager")
    assert look_up(from_admin.token).state == "revoked"


def test_the_list_of_open_invitations_says_how_the_email_fared(admin):
    issued = invited(admin)
    with admin.transaction() as db:
        [line] = open_invitations(db).to_dict("records")
    assert (
        line["email"],
        line["role"],
        line["sent_count"],
        line["expired"],
        line["mail"],
        line["why"],
    ) == (issued.invitation.email, "sales_rep", 1, False, "waiting", "")
    aged(issued, expires_at="1 day")
    with as_system(admin.organization_id) as db:
        db.execute(text("update app.outbox set status = 'failed', last_error = 'it bounced'"))
    with admin.transaction() as db:
        [line] = open_invitations(db).to_dict("records")
    assert (line["expired"], line["mail"], line["why"]) == (True, "failed", "it bounced")


def test_a_guest_reads_no_invitation_but_by_its_token(admin):
    invited(admin)
    with as_guest() as db:
        assert db.scalars(select(Invitation)).all() == []
