"""Deliveries on the screens: found, opened, replayed; and connections created, renamed, rotated,
paused and deleted by an admin.
"""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from core.bookings.models import Event
from core.deliveries.models import WebhookConnection, WebhookDelivery
from core.platform.database import as_system
from core.platform.models import AuditLog
from core.providers.payloads import example, payload
from core.tenancy.access.models import OrganizationMember
from core.tenancy.access.view_as import start_view_as
from core.ui.panels.looks import AGAIN_AFTER, NOTED
from tests import factories as make
from tests.flow import SECRET, sender, work
from tests.ui.grids import grid
from tests.ui.screens import (
    addressed,
    below,
    browser_of,
    browser_with,
    opened,
    press,
    sent,
    token_of,
    words,
)


@pytest.fixture
def admin(database_url):
    return make.viewer(make.organization())


def stored(to, content, **values):
    """A delivery of this content that waits for a worker; returns its id."""
    with as_system(to.organization_id) as db:
        delivery = WebhookDelivery(
            organization_id=to.organization_id,
            connection_id=to.connection_id,
            provider=to.provider,
            headers={"stripe-signature": "t=1700000000,v1=…"},
            body=content if isinstance(content, bytes) else json.dumps(content).encode(),
            **({"delivery_key": str(uuid4())} | values),
        )
        db.add(delivery)
        db.flush()
        return delivery.id


def booking(email):
    return payload("calendly", "invitee.created", example(email=email))


def delivery(to, delivery_id):
    with as_system(to.organization_id) as db:
        return db.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)).one()


def connection(admin):
    with as_system(admin.organization_id) as db:
        return db.scalars(select(WebhookConnection)).one()


def lines(admin, operation):
    with admin.transaction() as db:
        of = AuditLog.operation == operation
        query = select(AuditLog.actor_user_id, AuditLog.row_id, AuditLog.changes).where(of)
        return db.execute(query.order_by(AuditLog.at)).all()


def moved(page, screen, **query):
    """The same window at another screen's address, not run yet."""
    page._page_hash = addressed(screen)._page_hash
    page.query_params.clear()
    page.query_params.update(query)
    return page


def field(page, label):
    [found] = [each for each in page.text_input if each.label == label]
    return found


def test_a_delivery_shows_its_request_checks_attempts_and_rows_and_each_look_is_audited(admin):
    to = sender(admin.organization_id, "calendly")
    content = booking("jane@example.com")
    content["payload"]["token"] = "tok_5f1c0b9a7d2e4c63"
    delivery_id = stored(to, content)
    work()
    page = opened("delivery", admin, id=str(delivery_id))

    assert not page.exception
    said = " ".join(words(page))
    assert "Processed" in said
    assert "Signature: valid." in said.replace("*", "")
    assert "Received and stored" in said
    assert "jane@example.com" in page.code[1].value
    assert "tok_5f1c" not in sent(page)
    with as_system(admin.organization_id) as db:
        event = db.scalars(select(Event)).one()
    assert f"id={event.id}" in sent(page) or str(event.id) in sent(page)
    assert [(line.actor_user_id, line.row_id) for line in lines(admin, "look")] == [
        (admin.user_id, str(delivery_id))
    ]
    opened("delivery", admin, id=str(delivery_id))
    assert len(lines(admin, "look")) == 2


def test_each_opening_of_a_delivery_in_one_window_is_audited_and_no_click_on_it(admin):
    to = sender(admin.organization_id, "calendly")
    delivery_id = stored(to, booking("jane@example.com"))
    with browser_of(admin):
        page = addressed("delivery", id=str(delivery_id)).run()
        page.run()
        assert len(lines(admin, "look")) == 1
        page = moved(page, "connections").run()
        page = moved(page, "delivery", id=str(delivery_id)).run()
        assert "jane@example.com" in sent(page)
        assert len(lines(admin, "look")) == 2
        what, at = page.session_state[NOTED]
        page.session_state[NOTED] = (what, at - AGAIN_AFTER - timedelta(seconds=1))
        page.run()
    assert len(lines(admin, "look")) == 3


def test_a_search_of_deliveries_is_audited_without_its_words(admin):
    to = sender(admin.organization_id, "calendly")
    stored(to, booking("jane@example.com"))
    page = opened("connections", admin, id=str(to.connection_id))
    with browser_of(admin):
        field(page, "Search").set_value("jane@example.com").run().run()
        [line] = lines(admin, "search")
        field(page, "Search").set_value("john@example.com").run()
    assert (line.actor_user_id, line.row_id) == (admin.user_id, str(to.connection_id))
    assert line.changes == {"connection": "Test"}
    assert len(lines(admin, "search")) == 2


def test_while_viewing_as_an_admin_deliveries_are_neither_opened_nor_searched(admin):
    owner = make.viewer(admin.organization_id, "owner")
    to = sender(admin.organization_id, "calendly")
    delivery_id = stored(to, booking("jane@example.com"))
    stored(to, booking("john@example.com"))
    token = token_of(owner)
    with browser_with(token):
        searched = addressed("connections", id=str(to.connection_id)).run()
        field(searched, "Search").set_value("jane@example.com").run()
    assert len(grid(searched, "event_type").rows) == 1
    seen = OrganizationMember(organization_id=admin.organization_id, user_id=admin.user_id)
    start_view_as(token, owner, seen)

    page = opened("delivery", token, id=str(delivery_id))
    assert not page.exception
    assert "jane@example.com" not in sent(page)
    assert any("cannot open a delivery while you view as" in line for line in words(page))
    with browser_with(token):
        searched.run()
    assert not searched.exception
    assert field(searched, "Search").disabled
    assert len(grid(searched, "event_type").rows) == 2
    assert len(lines(owner, "search")) == 1


def test_a_manager_sees_the_connection_and_none_of_its_deliveries(admin):
    to = sender(admin.organization_id, "calendly")
    delivery_id = stored(to, booking("jane@example.com"))
    manager = make.viewer(admin.organization_id, "manager")
    page = opened("connections", manager, id=str(to.connection_id))
    assert not page.exception
    assert "jane" not in sent(page)
    assert any(
        "does not include this page" in line
        for line in words(opened("delivery", manager, id=str(delivery_id)))
    )


def test_an_admin_replays_one_delivery_and_what_it_was_before_stays_on_its_page(admin):
    to = sender(admin.organization_id, "stripe")
    delivery_id = stored(to, b'{"type":"charge.succeeded","data":{"object":{}}}')
    work()
    page = press(opened("delivery", admin, id=str(delivery_id)), admin, "Replay")
    assert not page.exception
    assert delivery(to, delivery_id).status == "pending"
    work()
    done = delivery(to, delivery_id)
    assert (done.status, done.attempts) == ("ignored", 2)
    assert [entry["outcome"] for entry in done.history] == ["ignored", "replayed"]
    said = " ".join(words(opened("delivery", admin, id=str(delivery_id))))
    assert f"Replayed by {admin.name}" in said
    assert "“charge.succeeded” comes without a charge that has an id" in said
    [line] = lines(admin, "replay")
    assert (line.actor_user_id, line.row_id) == (admin.user_id, str(delivery_id))
    assert line.changes == {"deliveries": 1}


def test_why_a_delivery_cannot_be_read_is_said_to_a_person(admin):
    to = sender(admin.organization_id, "stripe")
    delivery_id = stored(to, b"no json")
    work()
    said = " ".join(words(opened("delivery", admin, id=str(delivery_id))))
    assert "Cannot be read: it is not JSON" in said
    assert "Failed" in said
    page = opened("connections", admin, id=str(to.connection_id))
    assert grid(page, "event_type").column("status") == ["Failed"]


def test_the_failed_ones_of_a_connection_are_replayed_together(admin):
    to, other = sender(admin.organization_id, "stripe"), sender(admin.organization_id, "whop")
    failed = [stored(to, b"no json") for _ in range(3)]
    elsewhere = stored(other, b"no json")
    work()
    page = opened("connections", admin, id=str(to.connection_id))
    page = press(page, admin, "Replay 3 failed deliveries")
    assert not page.exception
    assert {delivery(to, each).status for each in failed} == {"pending"}
    assert delivery(other, elsewhere).status == "dead"
    [line] = lines(admin, "replay")
    assert line.row_id == str(to.connection_id)
    assert line.changes == {"deliveries": 3, "states": "dead", "connection": "Test"}


def test_everything_since_a_day_is_replayed_after_its_number_was_shown(admin):
    to = sender(admin.organization_id, "stripe")
    content = {"type": "customer.created", "data": {"object": {}}}
    since = [stored(to, content) for _ in range(2)]
    before = stored(to, content, received_at=make.NOON)
    work()
    page = opened("connections", admin, id=str(to.connection_id))
    page = press(page, admin, "Replay 2 deliveries")
    assert not page.exception
    assert {delivery(to, each).status for each in since} == {"pending"}
    assert delivery(to, before).status == "ignored"
    log = opened("audit", admin, view="Every change")
    assert not log.exception
    assert "Deliveries · replayed" in sent(log)
    assert "Deliveries: 2" in sent(log)


@pytest.mark.parametrize("sought", ["JANE@example.com", "evt_of_jane"])
def test_deliveries_are_found_by_address_and_by_id(admin, sought):
    to = sender(admin.organization_id, "stripe")
    content = {"type": "of.jane", "data": {"object": {"email": "Jane@Example.com"}}}
    stored(to, content, delivery_key="evt_of_jane")
    stored(to, {"type": "of.john", "data": {"object": {"email": "john@example.com"}}})
    work()
    page = opened("connections", admin, id=str(to.connection_id))
    assert len(grid(page, "event_type").rows) == 2
    with browser_of(admin):
        page = field(page, "Search").set_value(sought).run()
    assert grid(page, "event_type").column("event_type") == ["of.jane"]


def test_filters_of_deliveries_are_in_the_address(admin):
    to = sender(admin.organization_id, "stripe")
    for kind in ("one", "two"):
        stored(to, {"type": kind, "data": {"object": {}}})
    stored(to, b"no json")
    work()
    row = {"id": str(to.connection_id)}
    shown = opened("connections", admin, **row, event="two")
    assert grid(shown, "event_type").column("event_type") == ["two"]
    shown = opened("connections", admin, **row, outcome="Failed")
    assert grid(shown, "event_type").column("last_error") == ["Cannot be read: it is not JSON"]
    shown = opened("connections", admin, **row, outcome="Nonsense")
    assert len(grid(shown, "event_type").rows) == 3


def test_an_error_while_creating_a_connection_leaves_what_was_typed(admin):
    page = opened("connections", admin)
    with browser_of(admin):
        page = page.segmented_control(key="new connection provider").set_value("stripe").run()
        field(page, "Name").set_value("Main account")
        field(page, "Signing secret").set_value("short")
        page = next(each for each in page.button if each.label == "Create").click().run()
    assert below(page, "Signing secret") == page.error[0].value
    assert [error.value for error in page.error] == [
        "That doesn&#39;t look like a Stripe signing secret&#46; It should have 8 to 500 characters"
        " and no spaces&#46;"
    ]
    assert page.segmented_control(key="new connection provider").value == "stripe"
    assert field(page, "Name").value == "Main account"
    with browser_of(admin):
        field(page, "Signing secret").set_value(SECRET)
        page = next(each for each in page.button if each.label == "Create").click().run()
    assert not page.exception
    made = connection(admin)
    assert (made.name, made.provider) == ("Main account", "stripe")
    assert page.query_params["id"] == str(made.id)
    assert f"/webhooks/stripe/{made.id}" in page.code[0].value
    assert SECRET not in sent(page)


def test_a_connection_is_renamed_paused_resumed_rotated_and_deleted(admin):
    to = sender(admin.organization_id, "stripe")
    page = opened("connections", admin, id=str(to.connection_id))
    with browser_of(admin):
        field(page, "Name").set_value("Second account")
        page = next(each for each in page.button if each.label == "Save").click().run()
    assert connection(admin).name == "Second account"
    page = press(page, admin, "Pause")
    assert connection(admin).paused_at is not None
    assert "Paused: deliveries are accepted and held" in " ".join(words(page))
    page = press(page, admin, "Resume")
    assert connection(admin).paused_at is None
    with browser_of(admin):
        field(page, "New signing secret").set_value("whsec_5f1c0b9a7d2e4c63")
        page = next(each for each in page.button if each.label == "Rotate").click().run()
    assert connection(admin).previous_secret_until is not None
    assert "The old secret is valid until tomorrow" in " ".join(words(page))
    page = press(page, admin, "End it now")
    assert connection(admin).previous_secret_until is None
    with browser_of(admin):
        field(page, "Type Second account to confirm").set_value("Second account")
        page = next(each for each in page.button if each.label == "Delete").click().run()
    assert not page.exception
    assert connection(admin).deleted_at is not None
    said = " ".join(words(page))
    assert "No connections yet" in said
    assert "Deleted; their deliveries stay:" in said
    gone = opened("connections", admin, id=str(to.connection_id))
    assert "Deleted: nothing is accepted at its address any more." in " ".join(words(gone))
    assert not [each for each in gone.button if each.label == "Send test delivery"]


def test_a_second_rotation_within_the_day_ends_the_old_secret_only_when_asked_to(admin):
    to = sender(admin.organization_id, "stripe")
    page = opened("connections", admin, id=str(to.connection_id))

    def rotate(secret, *, is_sure):
        field(page, "New signing secret").set_value(secret)
        for box in page.checkbox:
            box.set_value(is_sure)
        return next(each for each in page.button if each.label == "Rotate").click().run()

    with browser_of(admin):
        page = rotate("whsec_the_new_one_of_them", is_sure=False)
        first = connection(admin).revision
        page = rotate("whsec_the_newer_one_of_them", is_sure=False)
        assert any("is still valid" in error.value for error in page.error)
        assert connection(admin).revision == first
        page = rotate("whsec_the_newer_one_of_them", is_sure=True)
    assert not page.exception
    assert not page.error
    assert connection(admin).revision > first


def test_a_test_delivery_that_no_worker_sends_says_that_it_is_on_its_way(admin):
    to = sender(admin.organization_id, "stripe")
    page = press(
        opened("connections", admin, id=str(to.connection_id)), admin, "Send test delivery"
    )
    assert not page.exception
    assert "Sending a test delivery …" in words(page)
