"""Viewing as a member, on the screens."""

from html import unescape

import pytest
from sqlalchemy import select

from core.bookings.models import PostCallForm
from core.platform.database import as_system
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.view_as import start_view_as
from core.ui.navigation import ACCOUNT, SCREENS
from tests import factories as make
from tests.ui.expectations import HAS, may
from tests.ui.screens import browser_of, opened, sent, token_of


@pytest.fixture(scope="module")
def looking(ours):
    """The cookie of an admin who views as the sales rep."""
    token = token_of(ours.admin)
    start_view_as(
        token,
        ours.admin,
        OrganizationMember(organization_id=ours.rep.organization_id, user_id=ours.rep.user_id),
    )
    return token


def button(page, label):
    return next(button for button in page.button if button.label == label)


@pytest.mark.parametrize("screen", [screen.key for screen in SCREENS])
def test_every_page_says_whose_eyes_these_are_and_shows_what_they_see(ours, looking, screen):
    page = opened(screen, looking, **ours.row(screen))

    assert not page.exception
    assert page.warning[0].value.startswith("You are viewing as **Alder sales")
    assert button(page, "Stop viewing")
    if screen == ACCOUNT:
        assert "Stop viewing" in page.warning[1].value
        assert HAS[screen] not in sent(page)
    elif may(Role.SALES_REP, screen):
        assert HAS[screen] in sent(page)
    else:
        assert "does not include this page" in page.warning[1].value


def test_where_else_a_member_works_is_not_for_who_looks_as_them(ours):
    elsewhere = make.organization(name="Somebody else's company")
    with as_system(elsewhere) as db:
        db.add(
            OrganizationMember(
                organization_id=elsewhere,
                user_id=ours.rep.user_id,
                role="viewer",
                name=ours.rep.name,
                email=ours.rep.email,
            )
        )
    assert "Somebody else" in sent(opened("my-day", ours.rep))

    token = token_of(ours.admin)
    start_view_as(
        token,
        ours.admin,
        OrganizationMember(organization_id=ours.rep.organization_id, user_id=ours.rep.user_id),
    )

    assert "Somebody else" not in sent(opened("my-day", token))
    with viewer_of(token).transaction() as db:
        assert set(db.scalars(select(OrganizationMember.organization_id))) == {
            ours.rep.organization_id
        }


def test_a_form_is_refused_in_a_sentence_and_nothing_is_filed(ours, looking):
    page = opened("form", looking, **ours.row("form"))
    with browser_of(looking):
        page = page.segmented_control(key="call_occurred").set_value("No").run()
        page = button(page, "File form").click().run()

    assert unescape(page.error[0].value).startswith(
        "You are viewing as somebody else, so nothing was changed."
    )
    with as_system(ours.admin.organization_id) as db:
        assert ours.ids["form"] not in set(db.scalars(select(PostCallForm.event_id)))


def test_an_admin_chooses_a_member_sees_their_start_and_stops(ours):
    token = token_of(ours.admin)
    page = opened("view-as", token)
    page.selectbox[0].set_value(ours.people[Role.VIEWER].user_id)
    with browser_of(token):
        page = button(page, "View as this member").click().run()
        assert "**Alder viewer** (viewer)" in page.warning[0].value
        assert viewer_of(token).role == Role.VIEWER

        page = button(page, "Stop viewing").click().run()

    assert not page.warning
    assert viewer_of(token).user_id == ours.admin.user_id
