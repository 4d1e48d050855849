"""A sales rep sees only their own rows; what one person has looked at is never cached for
another.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.platform.clock import now
from core.platform.database import as_system
from core.platform.phones import shown_phone
from core.tenancy.access.models import Role
from core.ui.navigation import BY_KEY, SCREENS
from tests import factories as make
from tests.ports import owner
from tests.ui.expectations import HAS, may
from tests.ui.screens import opened, sent, words
from tests.ui.teams import LEADS_PHONE, team

LEAD = ("Hazel lead", "lead@hazel.example.com", shown_phone(LEADS_PHONE, "US"))
LISTS = ["dashboard", "leaderboards", "events", "payments", "exports"]


@pytest.fixture(scope="module")
def crew():
    """A team with a second closer, who has an event and a payment too."""
    made = team("Hazel")
    org = made.admin.organization_id
    other = make.viewer(org, Role.SALES_REP, name="Second rep")
    with as_system(org) as db:
        closer = make.closer(db, org, "Second closer", user_id=other.user_id)
        call = make.event(
            db,
            org,
            closer,
            at=now() - timedelta(hours=5),
            lead_name="Second lead",
            email="second@example.com",
        )
        paid = make.payment(
            db,
            org,
            "111.00",
            at=now() - timedelta(hours=4),
            event_id=call.id,
            closer_id=closer.id,
            customer_name="Second lead",
        )
    return replace(
        made,
        people=made.people | {"second": other},
        ids=made.ids | {"second booking": call.id, "second payment": paid.id},
    )


@pytest.mark.parametrize(
    ("screen", "name", "row", "answer"),
    [
        ("event", "id", "second booking", "There is no such booking"),
        ("form", "event", "second booking", "There is no such booking"),
        ("payment", "id", "second payment", "There is no such payment"),
    ],
)
def test_a_closer_cannot_open_what_belongs_to_another_closer(crew, screen, name, row, answer):
    assert "Second" in sent(opened(screen, crew.people["second"], **{name: str(crew.ids[row])}))

    page = opened(screen, crew.rep, **{name: str(crew.ids[row])})

    assert any(answer in line for line in words(page))
    assert "Second" not in sent(page)


@pytest.mark.parametrize("screen", ["my-day", "events", "payments"])
def test_a_closers_lists_hold_their_own_rows_only(crew, screen):
    mine, others = sent(opened(screen, crew.rep)), sent(opened(screen, crew.people["second"]))

    assert ("Hazel lead" in mine, "Second lead" in mine) == (True, False)
    assert ("Hazel lead" in others, "Second lead" in others) == (False, True)


FOR_VIEWERS = [screen.key for screen in SCREENS if may(Role.VIEWER, screen.key)]


@pytest.mark.parametrize("screen", [key for key in FOR_VIEWERS if not BY_KEY[key].public])
def test_a_viewer_reads_nothing_that_says_who_a_lead_is(crew, screen):
    page = sent(opened(screen, crew.people[Role.VIEWER], **crew.row(screen)))

    assert HAS[screen].replace("Alder", "Hazel") in page
    assert [each for each in (*LEAD, LEADS_PHONE) if each.lower() in page.lower()] == []


def test_a_manager_reads_on_those_screens_who_a_lead_is(crew):
    pages = " ".join(
        sent(opened(screen, crew.people[Role.MANAGER], **crew.row(screen)))
        for screen in FOR_VIEWERS
        if not BY_KEY[screen].public
    )

    assert [each for each in LEAD if each not in pages] == []


@pytest.mark.parametrize("screen", LISTS)
def test_two_organisations_looking_at_the_same_one_after_the_other_each_see_their_own(
    ours, theirs, screen
):
    for looking, other in ((ours, theirs), (theirs, ours), (ours, theirs)):
        page = sent(opened(screen, looking.admin, period="Last 30 days"))

        assert looking.mark in page
        assert other.mark not in page


def test_what_a_manager_saw_is_not_kept_for_a_rep(crew):
    org = crew.admin.organization_id
    set_board(org, visible=False, money=True)
    assert "Hazel closer" in sent(
        opened("leaderboards", crew.people[Role.MANAGER], period="Last 30 days")
    )
    assert "Leaderboards are not shown" in " ".join(
        words(opened("leaderboards", crew.rep, period="Last 30 days"))
    )

    set_board(org, visible=True, money=False)
    asked = {"period": "Last 30 days", "metric": "Cash collected"}
    assert "Cash collected" in options(opened("leaderboards", crew.people[Role.MANAGER], **asked))
    assert "Cash collected" not in options(opened("leaderboards", crew.rep, **asked))


def test_a_person_whose_role_is_taken_down_stops_seeing_what_they_saw(crew):
    person = make.viewer(crew.admin.organization_id, Role.MANAGER)
    assert "Hazel closer" in sent(opened("dashboard", person))

    with owner() as db:
        db.execute(
            text("update app.organization_members set role = 'sales_rep' where user_id = :user"),
            {"user": person.user_id},
        )

    page = opened("dashboard", person)
    assert "does not include this page" in page.warning[0].value
    assert "Hazel closer" not in sent(page)


def set_board(org, *, visible, money):
    with owner() as db:
        db.execute(
            text(
                "update app.access_settings set leaderboards_visible = :visible,"
                " leaderboards_show_money = :money where organization_id = :org"
            ),
            {"visible": visible, "money": money, "org": org},
        )


def options(page):
    return next(box.options for box in page.selectbox if box.label == "Figure")
