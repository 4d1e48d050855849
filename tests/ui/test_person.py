"""The page of a closer or setter: their figures beside the team's, for whoever may see them."""

from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from core.platform.clock import now
from core.platform.database import as_system
from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.grids import grid, grids
from tests.ui.screens import opened, words

SHOWED = {"call_status": "completed", "event_outcome": "showed"}


@pytest.fixture
def made():
    return crew_of()


def crew_of(**settings):
    """An organisation with two closers, of whom one may sign in, and their people by name."""
    org = make.organization(**settings)
    rep, other = make.viewer(org, Role.SALES_REP), make.viewer(org, Role.SALES_REP)
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana", user_id=rep.user_id)
        bo = make.closer(db, org, "Bo", user_id=other.user_id)
        for closer, count in ((ana, 3), (bo, 9)):
            for number in range(count):
                at = now() - timedelta(hours=2, minutes=number)
                make.event(db, org, closer, at=at, **SHOWED)
        make.payment(db, org, "100.00", at=now() - timedelta(hours=1), closer_id=ana.id)
        make.payment(db, org, "300.00", at=now() - timedelta(hours=1), closer_id=bo.id)
    return {"admin": make.viewer(org), "rep": rep, "other": other, "ana": ana.id, "bo": bo.id}


def page_of(made, viewer, person="ana"):
    page = opened("person", made[viewer], id=str(made[person]), period="Last 7 days")
    assert not page.exception
    return page


def cards(page):
    return {card.label: (card.value, card.delta) for card in page.metric}


def links(page):
    return [each.proto.body for each in page.get("html") if 'class="so-rows"' in each.proto.body]


@pytest.mark.parametrize("viewer", ["admin", "rep"])
def test_somebodys_figures_stand_beside_the_teams_and_lead_to_their_rows(made, viewer):
    page = page_of(made, viewer)
    assert page.title[0].value == "Ana"
    assert cards(page)["Booked calls"] == ("3", "25% of the team")
    assert cards(page)["Cash collected"] == ("$100", "25% of the team")
    assert cards(page)["Show rate"] == ("100%", "Team 100%")
    [rate] = [card for card in page.metric if card.label == "Show rate"]
    assert rate.proto.delta_description == "of 3"
    assert len(page.get("plotly_chart")) == 1
    ways = [urlsplit(unescape(each).split('"')[3]) for each in links(page)]
    assert [each.path for each in ways] == ["events", "events", "payments"]
    assert {parse_qs(each.query)["closer"][0] for each in ways} == {"Ana"}


def test_a_rep_sees_a_colleague_as_the_leaderboards_show_them_and_none_of_their_rows(made):
    page = page_of(made, "other")
    assert cards(page)["Booked calls"] == ("3", "25% of the team")
    assert links(page) == []


def test_where_leaderboards_hide_money_a_colleagues_is_hidden_and_ones_own_is_not():
    made = crew_of(leaderboards_show_money=False)
    assert "Cash collected" not in cards(page_of(made, "other"))
    assert cards(page_of(made, "rep"))["Cash collected"] == ("$100", "")
    assert cards(page_of(made, "admin"))["Cash collected"] == ("$100", "25% of the team")


def test_where_leaderboards_are_hidden_a_rep_opens_their_own_page_without_the_team():
    made = crew_of(leaderboards_visible=False)
    assert cards(page_of(made, "rep"))["Booked calls"] == ("3", "")
    refused = page_of(made, "other")
    assert "Leaderboards are not shown" in " ".join(words(refused))
    assert not refused.metric
    assert cards(page_of(made, "admin"))["Booked calls"] == ("3", "25% of the team")


def test_the_leaderboard_opens_on_cash_and_leads_to_each_persons_page(made):
    page = opened("leaderboards", made["rep"], period="Last 7 days")
    board = grid(page, "rank", "name", "value")
    assert board.column("value") == ["$300.00", "$100.00"]
    opens = [parse_qs(urlsplit(each).query)["id"][0] for each in board.targets]
    assert opens == [str(made["bo"]), str(made["ana"])]
    assert [row["ways"] for row in board.rows] == ["", "Bookings · Cash · Paid bookings"]


def test_a_rate_of_few_bookings_stands_below_the_ranking_with_the_reason(made):
    with as_system(made["admin"].organization_id) as db:
        cy = make.closer(db, made["admin"].organization_id, "Cy")
        for number in range(10):
            at = now() - timedelta(hours=3, minutes=number)
            make.event(db, made["admin"].organization_id, cy, at=at, **SHOWED)
    page = opened("leaderboards", made["admin"], period="Last 7 days", metric="Show rate")
    ranked, few = (table for table in grids(page) if "value" in table.names)
    assert [(row["name"], row["sample"]) for row in ranked.rows] == [("Cy", "10 bookings")]
    assert [(row["name"], row["sample"]) for row in few.rows] == [
        ("Ana", "3 bookings"),
        ("Bo", "9 bookings"),
    ]
    assert "Fewer than 10 bookings: too few to rank." in words(page)


def test_somebodys_page_lists_their_own_latest_bookings_and_payments(made):
    page = page_of(made, "admin")
    assert len(grid(page, "lead_name", "call_status").rows) == 3
    assert grid(page, "customer_name", "amount").column("amount") == ["$100.00"]
    hidden = page_of(made, "other")
    assert not [each for each in grids(hidden) if {"lead_name"} & set(each.names)]


def test_a_person_without_anything_in_the_period_reads_why_there_is_nothing(made):
    page = opened("person", made["admin"], id=str(made["ana"]), period="Next 7 days")
    assert {"**No bookings in this period**", "**No payments in this period**"} <= set(words(page))


def test_a_card_of_the_leaderboard_names_the_rank(made):
    board = grid(opened("leaderboards", made["rep"], period="Last 7 days"), "rank", "name", "value")
    assert board.column("rank") == ["#1", "#2"]
    assert board.card[:2] == ["name", "rank"]
