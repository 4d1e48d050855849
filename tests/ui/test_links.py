"""Access links on screen: created by admins and shown once; each opens one thing, for whoever has
it.
"""

from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.links.access_links import ENDED, WRONG_TRIES, issue_link, share_of
from core.links.kinds import LinkPurpose
from core.links.models import AccessToken
from core.messages.email_outbox import open_email
from core.money.payouts import approve, create_snapshot
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from tests import factories as make
from tests.api.client import get, post
from tests.ports import owner
from tests.ui.grids import grid
from tests.ui.screens import addressed, browser_of, browser_with, opened, sent, words
from tests.ui.teams import team

PAGES = ["portal", "statement", "shared"]


@pytest.fixture(scope="module")
def crew():
    """A team with a second closer without an account, who has an event and a payment, and an
    approved payout with both closers' money.
    """
    made = team("Rowan")
    org = made.admin.organization_id
    with as_system(org) as db:
        closer = make.closer(db, org, "Second closer")
        call = make.event(
            db,
            org,
            closer,
            at=now() - timedelta(hours=5),
            lead_name="Second lead",
            email="second@example.com",
        )
        make.payment(
            db,
            org,
            "111.00",
            at=now() - timedelta(hours=4),
            event_id=call.id,
            closer_id=closer.id,
            customer_name="Second lead",
        )
    day = today(made.admin.timezone)
    with made.admin.transaction() as db:
        days = Period(day - timedelta(days=4), day + timedelta(days=1), made.admin.timezone)
        payout = approve(db, create_snapshot(db, "Rowan approved", days, made.admin).id, made.admin)
    return replace(
        made,
        ids=made.ids
        | {
            "second booking": call.id,
            "approved": payout.id,
            "second closer": closer.id,
        },
    )


def link_to(crew, purpose, **subject):
    with crew.admin.transaction() as db:
        return urlsplit(
            issue_link(db, crew.admin, purpose, "Rowan link", **subject).address
        ).query.partition("=")[2]


def click(page, label, viewer=None):
    with browser_of(viewer):
        next(button for button in page.button if button.label == label).click().run()
    return page


def test_a_portal_shows_one_closers_queue_and_files_a_form_that_everybody_then_sees(database_url):
    crew = team("Willow")
    page = opened("portal", None, token=crew.tokens["portal"])
    assert words(page.main)[:2] == ["Hello Willow", "File these forms"]
    assert "Willow lead" in sent(page)

    click(page, "File form")
    with browser_of(None):
        for question in (
            "Did the meeting take place?",
            "Did the lead show up?",
            "Did you make an offer?",
            "Did it close?",
        ):
            next(
                group for group in page.get("button_group") if group.proto.label == question
            ).set_value("Yes").run()
    click(page, "File form")

    assert not page.exception
    assert unescape(page.toast[0].value) == "Form filed."
    assert "File these forms" not in words(page.main)
    story = words(opened("event", crew.admin, id=str(crew.ids["event"])))
    assert any(line.startswith("Form filed through the link “Willow portal”") for line in story)


@pytest.mark.parametrize("whose", ["another closer's", "another organisation's", "nonsense"])
def test_a_portal_opens_no_other_call(crew, theirs, whose):
    event = {
        "another closer's": crew.ids["second booking"],
        "another organisation's": theirs.ids["event"],
        "nonsense": "' or 1=1",
    }[whose]

    page = opened("portal", None, token=crew.tokens["portal"], event=str(event))

    assert not page.exception
    assert any("There is no such booking" in line for line in words(page))
    assert not page.get("button_group")
    assert "Second" not in sent(page)
    assert theirs.mark not in sent(page)


def test_a_statement_is_one_persons_and_names_nobody_else(crew):
    token = link_to(
        crew,
        LinkPurpose.COMMISSION,
        closer_id=crew.ids["second closer"],
        snapshot_id=crew.ids["approved"],
    )

    page = opened("statement", None, token=token)

    assert not page.exception
    assert [(card.label, card.value) for card in page.metric] == [
        ("Cash collected", "$111.00"),
        ("Refunds", "$0.00"),
        ("Net revenue", "$111.00"),
    ]
    assert "Second lead" in sent(page)
    assert "Rowan lead" not in sent(page)
    assert "4,997" not in sent(page)
    assert "second@" not in sent(page)


def test_a_shared_dashboard_names_nobody_and_hides_money_where_it_was_not_to_be_shown(crew):
    said = {
        money: opened(
            "shared",
            None,
            token=link_to(crew, LinkPurpose.SHARE, shown=share_of("Last 30 days", {}, money=money)),
        )
        for money in (True, False)
    }

    for page in said.values():
        assert not page.exception
        assert not any(
            name in sent(page)
            for name in (
                "lead@",
                "second@",
                "Rowan lead",
                "Second lead",
                "Rowan closer",
                "Rowan setter",
            )
        )
    assert [card.label for card in said[True].metric] == [
        "Booked calls",
        "Show rate",
        "Close rate",
        "Cash collected",
        "Net revenue",
    ]
    assert [card.label for card in said[False].metric] == [
        "Booked calls",
        "Show rate",
        "Close rate",
    ]
    assert said[False].metric[0].value == "3"
    assert said[True].metric[3].value == "$5,108"
    assert not any(
        piece in sent(said[False]) for piece in ("USD", "Cash", "evenue", "Paid", "5,108", "4,997")
    )


def test_a_shared_dashboard_says_of_its_figures_what_the_dashboard_says(crew):
    token = link_to(crew, LinkPurpose.SHARE, shown=share_of("Last 30 days", {}, money=True))
    own = opened("dashboard", crew.admin, period="Last 30 days")
    shared = opened("shared", None, token=token)

    def cards(page):
        return [(card.label, card.value, card.delta, card.help) for card in page.metric]

    assert cards(shared) == cards(own)
    [sentence] = [line for line in words(shared) if line.startswith("Show rate **")]
    assert any(line.startswith(f"{sentence} Net revenue") for line in words(own))


def test_a_shared_dashboard_keeps_to_its_filters(crew):
    shown = share_of("Last 30 days", {"closer_id": [crew.ids["second closer"]]}, money=True)
    page = opened(
        "shared",
        None,
        token=link_to(crew, LinkPurpose.SHARE, shown=shown),
        closer="Rowan closer",
        period="This year",
    )

    assert {card.label: card.value for card in page.metric}["Booked calls"] == "1"
    assert {card.label: card.value for card in page.metric}["Cash collected"] == "$111"


def test_what_one_shared_dashboard_computed_is_not_shown_by_another(crew):
    open_to, hidden = (
        link_to(crew, LinkPurpose.SHARE, shown=share_of("Last 30 days", {}, money=money))
        for money in (True, False)
    )
    assert len(opened("shared", None, token=open_to).metric) == 5
    assert len(opened("shared", None, token=hidden).metric) == 3


def ended(crew, screen, how):
    if how in ("unknown", "another page's", "tampered"):
        token = crew.tokens[screen]
        other = crew.tokens[PAGES[PAGES.index(screen) - 1]]
        return {
            "unknown": "3q2-7w",
            "another page's": other,
            "tampered": token[:-1] + ("A" if token[-1] != "A" else "B"),
        }[how]
    closer_id = crew.ids["second closer"]
    purpose = {
        "portal": "portal",
        "statement": LinkPurpose.COMMISSION,
        "shared": LinkPurpose.SHARE,
    }[screen]
    subject = {
        "portal": {"closer_id": closer_id},
        "shared": {"shown": share_of("Today", {}, money=False)},
        "statement": {"closer_id": closer_id, "snapshot_id": crew.ids["approved"]},
    }[screen]
    token = link_to(crew, purpose, **subject)
    column = {"expired": "expires_at", "revoked": "revoked_at"}[how]
    with owner() as db:
        newest = "created_at = (select max(created_at) from app.access_tokens)"
        db.execute(text(f"update app.access_tokens set {column} = now() where {newest}"))
    return token


@pytest.mark.parametrize(("period", "is_compared"), [("Last 7 days", True), ("Next 7 days", False)])
def test_a_shared_dashboard_says_what_it_is_compared_with_where_it_is(crew, period, is_compared):
    token = link_to(crew, LinkPurpose.SHARE, shown=share_of(period, {}, money=False))

    page = unescape(sent(opened("shared", None, token=token)))
    assert period in page
    assert (f"{period}, compared with the period before" in page) == is_compared


@pytest.mark.parametrize("how", ["unknown", "another page's", "tampered", "expired", "revoked"])
@pytest.mark.parametrize("screen", PAGES)
def test_every_link_that_is_no_good_answers_in_the_same_words_and_nothing_else(crew, screen, how):
    page = opened(screen, None, token=ended(crew, screen, how))

    assert words(page) == ["Link", ENDED]
    assert "Rowan" not in sent(page)


def test_many_wrong_links_from_one_address_have_to_wait(crew):
    with browser_with(None, address="198.51.100.7"):
        for number in range(WRONG_TRIES):
            addressed("portal", token=f"wrong {number}").run()
        [_, sentence] = words(addressed("portal", token=crew.tokens["portal"]).run())

    assert unescape(sentence).startswith(
        "Too many links that do not work were tried. Wait a little. It works again in"
    )


@pytest.mark.parametrize("screen", ["dashboard", "events", "payout", "links", "exports", "my-day"])
def test_a_links_token_is_no_way_into_other_screens(crew, screen):
    page = opened(screen, None, token=crew.tokens["portal"], **crew.row(screen))

    assert words(page) == ["Sales operations", "Sign in"]


@pytest.mark.parametrize("screen", PAGES)
def test_the_api_takes_no_links_token(crew, screen):
    token = crew.tokens[screen]
    event = f"/api/events/{crew.ids['event']}/pcf"
    answers = [
        get("/api/events", token),
        get("/api/metrics", token, start="2026-11-01", end="2026-12-01"),
        post(event, token, {"call_occurred": True}),
    ]
    assert {answer.status_code for answer in answers} == {401}


def test_an_admin_makes_a_link_sees_it_once_and_revokes_it(crew):
    page = opened("links", crew.admin)
    with browser_of(crew.admin):
        next(box for box in page.selectbox if box.label == "Closer").set_value(
            "Second closer"
        ).run()
        next(field for field in page.text_input if field.label == "Name").set_value(
            "Second's phone"
        ).run()
    click(page, "Create link", crew.admin)

    assert not page.exception
    [address] = [code.value for code in page.code]
    token = address.partition("/portal?token=")[2]
    assert "Second lead" in sent(opened("portal", None, token=token))
    again = opened("links", crew.admin)
    assert "Second's phone" in sent(again)
    assert token not in sent(again)

    with browser_of(crew.admin):
        box = next(box for box in again.selectbox if box.label == "Revoke a link")
        box.set_value(
            next(option for option in box.options if option.startswith("Second's phone"))
        ).run()
    click(again, "Revoke", crew.admin)
    assert words(opened("portal", None, token=token)) == ["Link", ENDED]


def test_a_link_is_sent_by_email_to_one_address_and_to_nothing_else(crew):
    hostile = ["ana@example.com\nBcc: b@example.com", "a@example.com,b@example.com"]
    for address, refused in [*((each, True) for each in hostile), ("ana@example.com", False)]:
        page = opened("links", crew.admin)
        with browser_of(crew.admin):
            next(box for box in page.selectbox if box.label == "Closer").set_value(
                "Second closer"
            ).run()
            next(field for field in page.text_input if field.label == "Name").set_value(
                "By e-mail"
            ).run()
            next(field for field in page.text_input if field.label.startswith("E-mail")).set_value(
                address
            ).run()
        click(page, "Create link", crew.admin)
        assert bool(page.error) is refused

    with as_system(crew.admin.organization_id) as db:
        posted = db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "link")).one()
        made = db.scalars(select(AccessToken).where(AccessToken.name == "By e-mail")).one()
        said = open_email(posted).text
    [address] = [code.value for code in page.code]
    assert (posted.recipient, posted.dedupe_key) == ("ana@example.com", f"link {made.id}")
    assert address in said


def test_a_link_without_a_subject_is_refused_with_what_is_missing(crew):
    page = opened("links", crew.admin)
    with browser_of(crew.admin):
        next(field for field in page.text_input if field.label == "Name").set_value(
            "Nobody's"
        ).run()
    click(page, "Create link", crew.admin)

    assert [error.value for error in page.error] == [
        "Choose the closer whose queue the link opens&#46;"
    ]


def test_an_approved_payout_gives_everybody_their_statement_once(crew):
    page = click(
        opened("payout", crew.admin, id=str(crew.ids["approved"])),
        "Make statement links",
        crew.admin,
    )

    assert not page.exception
    made = grid(page, "person", "address")
    assert made.column("person") == ["Rowan closer", "Second closer", "Rowan setter"]
    token = made.column("address")[1].partition("/statement?token=")[2]
    assert page.query_params.get("token") is None
    assert "$111.00" in [card.value for card in opened("statement", None, token=token).metric]
    assert "/statement?token=" not in sent(
        opened("payout", crew.admin, id=str(crew.ids["approved"]))
    )


@pytest.mark.parametrize(("who", "payout"), [("manager", "approved"), ("admin", "payout")])
def test_statement_links_are_for_admins_and_approved_payouts(crew, who, payout):
    page = opened("payout", crew.people[who], id=str(crew.ids[payout]))
    assert "Make statement links" not in [button.label for button in page.button]
