"""The team's screen and the invitation's: what an admin does on the one, and how the invited person
answers on the other.
"""

from html import unescape

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.messages.email_outbox import open_email
from core.platform.database import as_system
from core.platform.settings import settings
from core.tenancy.access.invitations import invite, revoke
from core.tenancy.access.models import Invitation, OrganizationMember, Role
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import sign_in
from tests import factories as make
from tests.ui.hostile_names import HOSTILE
from tests.ui.screens import browser_of, fill, opened, press, sent, words

PASSWORD = "amber-birch-cobalt-1234"


@pytest.fixture
def boss():
    return make.viewer(make.organization(name=f"Acme {HOSTILE}"), Role.OWNER)


def emails(org):
    with as_system(org) as db:
        posted = db.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at))
        return [(message.recipient, open_email(message)) for message in posted]


def member(person):
    with as_system(person.organization_id) as db:
        return db.get_one(OrganizationMember, (person.organization_id, person.user_id))


def invited(boss, email="new.person@example.com", role="sales_rep"):
    with boss.transaction() as db:
        return invite(db, boss, email, role)


def test_an_admin_invites_sends_again_and_takes_back(boss):
    page = opened("team", boss)
    fill(page, **{"E-mail_address": "new.person@example.com"})
    next(box for box in page.selectbox if box.label == "Role").select(Role.MANAGER)
    page = press(page, boss, "Send invitation")
    assert not page.exception
    assert "new.person@example.com" in " ".join(words(page))
    page = press(page, boss, "Send again")
    assert [to for to, _ in emails(boss.organization_id)] == ["new.person@example.com"] * 2
    page = press(page, boss, "Revoke")
    assert any("No open invitations" in line for line in words(page))


def test_an_address_that_is_none_is_refused_in_words_and_nothing_is_sent(boss):
    page = opened("team", boss)
    fill(page, **{"E-mail_address": "a@example.com\nBcc: b@example.com"})
    next(box for box in page.selectbox if box.label == "Role").select(Role.VIEWER)
    page = press(page, boss, "Send invitation")
    assert "is not an e-mail address that mail can be sent to" in page.error[0].value.replace(
        "&#45;", "-"
    )
    assert emails(boss.organization_id) == []


def test_letters_that_the_mail_cannot_say_are_refused_before_anything_is_stored(boss, monkeypatch):
    monkeypatch.setenv("RESEND_API_KEY", "re_any")
    settings.cache_clear()
    page = opened("team", boss)
    fill(page, **{"E-mail_address": "ñandú@example.com"})
    page = press(page, boss, "Send invitation")
    monkeypatch.undo()
    settings.cache_clear()
    assert "that the mail server does not take" in unescape(page.error[0].value)
    with as_system(boss.organization_id) as db:
        assert db.scalars(select(Invitation.id)).all() == []
    assert emails(boss.organization_id) == []


def test_an_admin_is_offered_no_owners_and_cannot_change_one(boss):
    admin = make.viewer(boss.organization_id, Role.ADMIN)
    page = opened("team", admin)
    assert "Owner" not in next(box for box in page.selectbox if box.label == "Role").options
    page = opened("team", admin, id=str(boss.user_id))
    assert not any(button.label in ("Save role", "Deactivate") for button in page.button)


def test_a_members_role_state_and_roster_rows_are_changed(boss):
    rep = make.viewer(boss.organization_id, Role.SALES_REP, name=f"Rep {HOSTILE}")
    with as_system(boss.organization_id) as db:
        ana = make.closer(db, boss.organization_id, f"Ana {HOSTILE}", email="ana@example.com")
    page = opened("team", boss, id=str(rep.user_id))
    next(box for box in page.selectbox if box.label == "Role").select(Role.MANAGER)
    page = press(page, boss, "Save role")
    assert not page.error
    assert member(rep).role == "manager"

    page.multiselect[0].select(ana.id)
    page = press(page, boss, "Save")
    with as_system(boss.organization_id) as db:
        assert db.scalars(text("select user_id from app.closers")).all() == [rep.user_id]

    page = press(page, boss, "Deactivate")
    assert member(rep).active is False
    page = press(page, boss, "Reactivate")
    assert member(rep).active is True
    assert not page.exception


def test_you_are_not_offered_to_put_yourself_out_and_the_last_owner_reads_why_not(boss):
    page = opened("team", boss, id=str(boss.user_id))
    assert not any(button.label == "Deactivate" for button in page.button)
    next(box for box in page.selectbox if box.label == "Role").select(Role.VIEWER)
    page = press(page, boss, "Save role")
    assert "An organisation needs an owner" in page.error[0].value
    assert member(boss).role == "owner"


def test_a_member_of_another_organisation_is_nobody_here(boss, theirs):
    page = opened("team", boss, id=str(theirs.admin.user_id))
    assert any("There is no such member" in line for line in words(page))
    assert theirs.mark not in sent(page)


def test_a_new_person_joins_by_the_link_and_can_sign_in(boss):
    issued = invited(boss)
    page = opened("invitation", None, token=issued.token)
    assert any(HOSTILE in line for line in words(page))
    assert not any(
        piece in sent(page) for piece in ("<script>", "<img", "](java", ":material/home:")
    )
    fill(page, Your_name="Ana", Password=PASSWORD, Repeat_password="another-password")
    page = press(page, None, "Join")
    assert "The two passwords do not match." in page.error[0].value
    fill(page, Your_name="Ana", Password=PASSWORD, Repeat_password=PASSWORD)
    page = press(page, None, "Join")
    assert any("You are now a member of" in line for line in words(page))
    assert sign_in("new.person@example.com", PASSWORD, address="192.0.2.9")
    assert any(
        "has already been accepted" in line
        for line in words(opened("invitation", None, token=issued.token))
    )


def test_an_easy_password_is_refused_in_words(boss):
    page = opened("invitation", None, token=invited(boss, "easy@example.com").token)
    fill(page, Your_name="Ana", Password="short", Repeat_password="short")
    page = press(page, None, "Join")
    assert "at least 12 characters" in page.error[0].value


def test_somebody_known_joins_with_their_password_or_at_once_when_signed_in(boss):
    known = make.viewer(make.organization(), password_hash=hash_password(PASSWORD))
    token = invited(boss, known.email).token
    stranger = opened("invitation", boss, token=token)
    assert [field.label for field in stranger.text_input] == ["Password"]

    page = opened("invitation", None, token=token)
    fill(page, Password="not the password")
    page = press(page, None, "Join")
    assert "is not right" in page.error[0].value

    page = opened("invitation", known, token=token)
    [join] = [button for button in page.button if button.label.startswith("Join")]
    with browser_of(known):
        page = join.click().run()
    assert any("You are now a member of" in line for line in words(page))


def test_a_link_that_is_over_says_why(boss):
    issued = invited(boss, "over@example.com")
    with boss.transaction() as db:
        revoke(db, boss, issued.invitation.id)
    page = opened("invitation", None, token=issued.token)
    assert any("was revoked" in line for line in words(page))
    assert not page.text_input
