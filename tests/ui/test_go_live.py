"""Go-live: problems are named with their solution, and the steps of setting up are ticked off."""

from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl

import pytest

from core.deliveries.models import WebhookDelivery
from core.links.access_links import issue_link
from core.operations.go_live import setup_steps
from core.operations.organization_checks import examine_organization
from core.platform.database import as_system
from core.ui.navigation import BY_KEY
from tests import factories as make
from tests.flow import sender
from tests.ui.screens import opened, words
from tests.ui.teams import team


@pytest.fixture
def org():
    return make.organization(slack_report_enabled=True, accept_test_mode=True)


def links(page):
    return {link.proto.label for link in page.get("page_link")}


def test_each_line_says_what_was_seen_how_to_mend_it_and_leads_there(org):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        make.payment(db, org)
        make.event(db, org, setter_name="unknown setter", at=make.NOON)
    page = opened("go-live", admin)

    assert not page.exception
    said = [unescape(line) for line in words(page)]
    assert any(
        "**Slack** · Broken: reports are on, but no channel is set up" in line for line in said
    )
    assert any(
        "**Payments** · Check this: 1 payment ($4,997.00) is not matched to a booking" in line
        for line in said
    )
    assert any("**Test payments** · Check this: count as real money" in line for line in said)
    assert any("1 booking in the last 30 days has an unknown setter" in line for line in said)
    assert {
        "Open Slack reports",
        "Open Payments",
        "Open General",
        "Open Lists",
        "Open Connections",
    } <= links(page)
    assert any(line.startswith("**1 problem, ") for line in said)


def test_a_failed_delivery_turns_its_connection_red(org):
    to = sender(org, "stripe")
    with as_system(org) as db:
        db.add(
            WebhookDelivery(
                organization_id=org,
                connection_id=to.connection_id,
                provider="stripe",
                delivery_key="x",
                headers={},
                body=b"{}",
                status="dead",
            )
        )
    page = opened("go-live", make.viewer(org, "owner"))
    assert any("1 failed" in unescape(error.value) for error in page.error)


def test_the_steps_of_a_team_at_work_are_ticked_off():
    page = opened("go-live", team("Yew").admin)
    said = " ".join(unescape(line) for line in words(page))
    assert "Done · **1. Add closers and setters** · closers: 1, setters: 1" in said
    assert "To do · **5. Receive the first delivery** · deliveries: 0" in said
    assert "Done · **7. File the first post-call form**" in said


def test_closers_are_done_only_when_each_has_a_way_to_file_forms(org):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        make.closer(db, org, "Ana", user_id=admin.user_id)
        by_link = make.closer(db, org, "Bo").id

    def seen():
        with admin.transaction() as db:
            return setup_steps(db)[2]

    assert (seen().done, seen().seen) == (False, "1 of 2 closers have one")
    with admin.transaction() as db:
        issue_link(db, admin, "portal", "Bo's", closer_id=by_link)
    assert (seen().done, seen().seen) == (True, "2 of 2 closers have one")


def test_payments_of_nobody_lead_to_the_list_of_them(org):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        make.payment(db, org, at=make.NOON - timedelta(days=300))
    page = opened("go-live", admin)
    [query] = [
        link.proto.query_string
        for link in page.get("page_link")
        if link.proto.label == "Open Payments" and link.proto.query_string
    ]
    asked = dict(parse_qsl(query))
    assert any(
        line.startswith("Sum of 1 payment:") for line in words(opened("payments", admin, **asked))
    )


def test_every_line_leads_to_a_screen_that_exists(org):
    assert {check.screen for check in examine_organization(org)} <= set(BY_KEY)
