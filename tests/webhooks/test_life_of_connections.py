"""A connection whose secret is rotated, that is paused, or deleted: what the receiver does then."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.deliveries.actions import (
    delete_connection,
    end_previous_secret,
    pause,
    rename_connection,
    resume,
    rotate_secret,
)
from core.deliveries.models import BOTH_VALID_FOR, WebhookConnection, WebhookDelivery
from core.deliveries.queries import (
    connections_table,
    deleted_connections,
    last_by_previous_secret,
)
from core.deliveries.sweeps import sweep_outbox
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotFound
from core.platform.models import VaultSecret
from core.providers.connections import check_signing_secret, create_connection
from core.providers.payloads import signed
from core.providers.signatures import signed_at
from tests import factories as make
from tests.flow import SECRET, sender, work
from tests.webhooks.deliveries import payload

NEW, NEWER = "whsec_the_new_one_of_them", "whsec_the_newer_one_of_them"


def statuses(org):
    with as_system(org) as db:
        found = select(WebhookDelivery.status).order_by(WebhookDelivery.received_at)
        return list(db.scalars(found))


def secrets_of(to):
    with as_system(to.organization_id) as db:
        named = select(VaultSecret.name).where(VaultSecret.owner_id == to.connection_id)
        return sorted(db.scalars(named))


def posted(running, *sendings):
    async def conversation():
        return [(await to.post(payload(number))).status_code for to, number in sendings]

    return running(conversation)


def test_for_a_day_after_a_rotation_both_secrets_are_valid_and_the_older_one_is_not(running):
    admin = make.viewer(make.organization())
    old = sender(admin.organization_id, "stripe")
    new, newer = replace(old, secret=NEW), replace(old, secret=NEWER)
    assert posted(running, (old, 1), (new, 2)) == [200, 401]
    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEW)
    assert posted(running, (old, 3), (new, 4), (newer, 5)) == [200, 200, 401]
    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEWER)
    assert posted(running, (old, 6), (new, 7), (newer, 8)) == [401, 200, 200]
    assert secrets_of(old) == ["signing", "signing before"]


def test_the_old_secret_ends_when_the_day_is_over_or_somebody_ends_it(running):
    admin = make.viewer(make.organization())
    old = sender(admin.organization_id, "stripe")
    new = replace(old, secret=NEW)
    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEW)
    assert posted(running, (old, 1)) == [200]
    with as_system(old.organization_id) as db:
        over = {"previous_secret_until": now() - timedelta(seconds=1)}
        db.execute(
            update(WebhookConnection).values(revision=WebhookConnection.revision + 1, **over)
        )
    assert posted(running, (old, 2), (new, 3)) == [401, 200]

    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEWER)
        end_previous_secret(db, old.connection_id)
    newer = replace(old, secret=NEWER)
    assert posted(running, (new, 4), (newer, 5)) == [401, 200]
    assert secrets_of(old) == ["signing"]


def test_the_same_secret_again_is_no_rotation_and_leaves_the_old_one_its_day(running):
    admin = make.viewer(make.organization())
    old = sender(admin.organization_id, "stripe")
    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEW)
    for again in (NEW, f" {NEW} "):
        with (
            pytest.raises(InvalidInput, match="is stored already"),
            admin.transaction() as db,
        ):
            rotate_secret(db, old.connection_id, again)
    assert posted(running, (old, 1), (replace(old, secret=NEW), 2)) == [200, 200]


def test_a_rotation_says_when_the_old_secret_was_used_last(running):
    admin = make.viewer(make.organization())
    old = sender(admin.organization_id, "stripe")
    with admin.transaction() as db:
        rotate_secret(db, old.connection_id, NEW)
        connection = db.get_one(WebhookConnection, (old.organization_id, old.connection_id))
        assert last_by_previous_secret(db, connection) is None
        assert connection.previous_secret_until > now() + BOTH_VALID_FOR - timedelta(minutes=1)
    posted(running, (old, 1), (replace(old, secret=NEW), 2))
    with admin.transaction() as db:
        first = select(func.min(WebhookDelivery.received_at))
        assert last_by_previous_secret(db, connection) == db.scalars(first).one()


def test_a_paused_connection_accepts_and_holds_and_everything_is_worked_off_afterwards(running):
    admin = make.viewer(make.organization())
    to = sender(admin.organization_id, "stripe")
    with admin.transaction() as db:
        pause(db, to.connection_id)
    assert posted(running, (to, 1), (to, 2), (to, 1)) == [200, 200, 200]
    work()
    assert statuses(to.organization_id) == ["held", "held"]
    with admin.transaction() as db:
        [state] = connections_table(db).to_dict("records")
        assert (state["health"], state["held"], state["webhook_count"]) == ("paused", 2, 2)
        resume(db, to.connection_id)
    work()
    assert statuses(to.organization_id) == ["ignored", "ignored"]
    assert posted(running, (to, 3)) == [200]
    assert statuses(to.organization_id)[-1] == "pending"


def test_a_delivery_that_came_while_the_pause_ended_does_not_stay_on_hold(running):
    to = sender(make.organization(), "stripe")
    posted(running, (to, 1))
    with as_system(to.organization_id) as db:
        db.execute(update(WebhookDelivery).values(status="held"))
    sweep_outbox(to.organization_id)
    assert statuses(to.organization_id) == ["pending"]


def test_a_deleted_connection_accepts_nothing_and_its_deliveries_and_rows_stay(running):
    admin = make.viewer(make.organization())
    to = sender(admin.organization_id, "stripe")
    posted(running, (to, 1))
    with admin.transaction() as db, pytest.raises(InvalidInput):
        delete_connection(db, to.connection_id, "Tst")
    with admin.transaction() as db:
        pause(db, to.connection_id)
    posted(running, (to, 2))
    with admin.transaction() as db:
        delete_connection(db, to.connection_id, "Test")
    assert posted(running, (to, 3)) == [401]
    work()
    assert statuses(to.organization_id) == ["ignored", "ignored"]
    assert secrets_of(to) == []
    with admin.transaction() as db:
        assert connections_table(db).empty
        assert [each.id for each in deleted_connections(db)] == [to.connection_id]
        with pytest.raises(NotFound):
            rotate_secret(db, to.connection_id, NEW)


def test_of_the_signature_only_its_time_is_stored(running):
    to = sender(make.organization(), "stripe")
    posted(running, (to, 1))
    with as_system(to.organization_id) as db:
        stored = db.scalars(select(WebhookDelivery)).one()
    header = stored.headers["stripe-signature"]
    assert header.startswith("t=")
    assert header.endswith(",v1=…")
    assert abs(stored.received_at - signed_at(stored.headers)) < timedelta(seconds=60)
    assert {"content-type", "host", "user-agent"} < set(stored.headers)


@pytest.mark.parametrize(
    ("provider", "secret", "says"),
    [
        ("stripe", "  ", "Enter the signing secret of Stripe."),
        ("stripe", "short", "That doesn't look like a Stripe signing secret"),
        ("stripe", "two words of it", "That doesn't look like a Stripe signing secret"),
        ("stripe", "x" * 501, "That doesn't look like a Stripe signing secret"),
        ("stripe", "sk_live_5f1c0b9a7d2e4c63", "This is an API key."),
        ("resend", "whsec_abcdefgh", "That doesn't look like a Resend signing secret"),
    ],
)
def test_what_cannot_be_a_signing_secret_is_refused_with_its_reason(provider, secret, says):
    with pytest.raises(InvalidInput, match=says) as refused:
        check_signing_secret(provider, secret)
    assert refused.value.field == "secret"


def test_a_name_has_a_length_and_can_be_changed():
    admin = make.viewer(make.organization())
    with admin.transaction() as db, pytest.raises(InvalidInput, match="200 are the most"):
        create_connection(db, "stripe", "x" * 300, SECRET)
    to = sender(admin.organization_id, "stripe")
    with admin.transaction() as db:
        rename_connection(db, to.connection_id, "  Main   account ")
        assert connections_table(db)["name"].tolist() == ["Main account"]


def test_headers_that_a_sender_made_up_are_not_stored(running):
    to = sender(make.organization(), "calendly")

    async def conversation():
        body, headers = signed("calendly", payload(), SECRET)
        more = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4"}
        return await to.post(payload(), content=body, headers=headers | more)

    assert running(conversation).status_code == 200
    with as_system(to.organization_id) as db:
        stored = db.scalars(select(WebhookDelivery.headers)).one()
    assert "secret" not in json.dumps(stored)
    assert not {"authorization", "cookie", "x-forwarded-for"} & set(stored)
