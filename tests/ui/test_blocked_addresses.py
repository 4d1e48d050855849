"""The screen of addresses that nothing is sent to, and what the team's screen says of them."""

import pytest

from core.messages.suppression_list import suppress
from core.platform.clock import now
from core.platform.database import as_system
from core.tenancy.access.invitations import invite
from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, words

ANA = "ana@example.com"


@pytest.fixture
def boss():
    return make.viewer(make.organization(), Role.OWNER)


def blocked(boss, email, reason):
    with as_system(boss.organization_id) as db:
        suppress(db, email, reason, now())


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("bounced", "E-mail bounced: the mailbox"),
        ("complained", "as spam"),
        ("unsubscribed", "They unsubscribed"),
    ],
)
def test_it_says_why_and_one_button_lifts_it(boss, reason, says):
    blocked(boss, ANA, reason)
    page = opened("blocked-addresses", boss)
    assert says in page.caption[1].value
    assert ("only if they asked you to" in page.caption[1].value) == (reason != "bounced")
    with browser_of(boss):
        page = page.button[0].click().run()
    assert any("No address is blocked" in line for line in words(page))


def test_a_search_narrows_the_list(boss):
    blocked(boss, ANA, "bounced")
    blocked(boss, "bo@example.com", "bounced")
    page = opened("blocked-addresses", boss)
    assert len(page.button) == 2
    with browser_of(boss):
        assert len(page.text_input[0].set_value("BO@").run().button) == 1
        assert any(
            "No such address here" in line
            for line in words(page.text_input[0].set_value("nobody").run())
        )


def test_the_team_reads_that_an_invitation_did_not_arrive(boss):
    with boss.transaction() as db:
        invite(db, boss, ANA, Role.VIEWER)
    assert not opened("team", boss).warning
    blocked(boss, ANA, "bounced")
    page = opened("team", boss)
    assert "E-mail is not sent to this address" in page.warning[0].value
    assert "it bounced" in page.warning[0].value


def test_the_team_reads_whom_of_its_members_e_mail_does_not_reach(boss):
    member = make.viewer(boss.organization_id, Role.VIEWER)
    blocked(boss, member.email, "complained")
    assert "it complained" in opened("team", boss, id=str(member.user_id)).warning[0].value
    assert not opened("team", boss, id=str(boss.user_id)).warning
    assert sorted(grid(opened("team", boss), "email", "state").column("state")) == [
        "Active",
        "Active, e-mail complained",
    ]
