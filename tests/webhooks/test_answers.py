"""Every answer of the receiver; and that each delivery which it answered with 200 is stored
once.
"""

import json
from uuid import uuid4

import pytest
from sqlalchemy import select

from core.deliveries.actions import end_previous_secret, rotate_secret, set_active
from core.deliveries.models import WebhookDelivery
from core.deliveries.queue import organizations_waiting
from core.platform.database import as_system
from core.providers.payloads import signed
from core.providers.registry import with_inbound
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.flow import SECRET, post, sender
from tests.webhooks.deliveries import kept, payload, said, signed_bytes

PROVIDERS = list(with_inbound())
ACCEPTED = (200, {"status": "accepted"})
REFUSED = (
    401,
    {
        "error": {
            "code": "unauthorized",
            "message": "The delivery's signature or address is not valid.",
        }
    },
)
CALENDLY_HEADER = "Calendly-Webhook-Signature"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_signed_delivery_is_stored_raw_where_workers_look(provider, running):
    org = make.organization()
    to = sender(org, provider)

    answer = running(lambda: to.post(payload()))

    assert said(answer) == ACCEPTED
    with as_system(org) as db:
        delivery = db.scalars(select(WebhookDelivery)).one()
        assert (delivery.provider, delivery.status) == (provider, "pending")
        assert delivery.body == signed(provider, payload(), SECRET)[0]
    assert org in organizations_waiting()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_repeat_is_accepted_and_changes_nothing(provider, running):
    org = make.organization()
    to = sender(org, provider)

    async def twice():
        return [said(await to.post(payload())) for _ in range(2)]

    assert running(twice) == [ACCEPTED, ACCEPTED]
    assert kept(org) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_forged_unknown_inactive_and_malformed_get_the_same_answer(provider, running):
    org = make.organization()
    to, off, gone = (
        sender(org, provider),
        sender(org, provider),
        sender(make.organization(), provider),
    )
    with as_system(org) as db:
        set_active(db, off.connection_id, False)
    with as_system(gone.organization_id) as db:
        db.get_one(Organization, gone.organization_id).deleted_at = make.NOON
    body, headers = signed(provider, payload(), SECRET)
    other = "stripe" if provider == "calendly" else "calendly"

    async def conversation():
        return [
            await to.post(payload(), content=b"{}"),
            await to.post(payload(), headers={}),
            await off.post(payload()),
            await gone.post(payload()),
            await post(f"/webhooks/{provider}/{uuid4()}", content=body, headers=headers),
            await post(f"/webhooks/{provider}/not-an-id", content=body, headers=headers),
            await post(f"/webhooks/{other}/{to.connection_id}", content=body, headers=headers),
            await post(f"/webhooks/nobody/{to.connection_id}", content=body, headers=headers),
        ]

    assert [said(answer) for answer in running(conversation)] == [REFUSED] * 8
    assert kept(org) == 0


def test_a_new_secret_and_a_switched_off_connection_count_at_once(running):
    org = make.organization()
    to = sender(org, "stripe")

    async def conversation():
        answers = [await to.post(payload(1))]
        with as_system(org) as db:
            rotate_secret(db, to.connection_id, "whsec_the_new_one")
            end_previous_secret(db, to.connection_id)
        body, headers = signed("stripe", payload(2), "whsec_the_new_one")
        answers += [await to.post(payload(3)), await post(to.path, content=body, headers=headers)]
        with as_system(org) as db:
            set_active(db, to.connection_id, False)
        body, headers = signed("stripe", payload(4), "whsec_the_new_one")
        return [*answers, await post(to.path, content=body, headers=headers)]

    assert [answer.status_code for answer in running(conversation)] == [200, 401, 200, 401]
    assert kept(org) == 2


def test_a_body_over_one_mib_is_refused_before_it_is_read(running):
    to = sender(make.organization(), "stripe")
    read = []

    async def endless():
        for _ in range(64):
            read.append(1)
            yield b"x" * 65_536

    async def conversation():
        declared = await post(to.path, content=b"", headers={"Content-Length": "1048577"})
        return declared, await post(to.path, content=endless())

    declared, streamed = running(conversation)
    assert [declared.status_code, streamed.status_code] == [413, 413]
    assert streamed.json()["error"]["code"] == "too_large"
    assert len(read) == 17
    assert kept(to.organization_id) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\x00",
        b'{"id":"\\u0000","type":"\\ud800"}',
        json.dumps({"id": "x" * 10_000, "type": "y" * 10_000}).encode(),
    ],
)
def test_what_is_signed_but_strange_is_kept_for_a_person_to_see(body, running):
    to = sender(make.organization(), "stripe")
    assert said(running(lambda: post(to.path, **signed_bytes(body)))) == ACCEPTED
    assert kept(to.organization_id) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"a":' * 65 + b"1" + b"}" * 65, 400),
        (b'{"a":' * 64 + b"1" + b"}" * 64, 200),
        (b'{"a":"' + b"[" * 1000 + b'"}', 200),
        (b'["' + b'\\"[' * 1000 + b'"]', 200),
        (b"[" + b"[[]]," * 1000 + b"[" * 64 + b"]" * 65, 400),
        (b"[" + b'{"":["[",""]},' * 1000 + b"[" * 63 + b"]" * 64, 200),
    ],
)
def test_json_nested_deeper_than_64_is_refused(body, status, running):
    to = sender(make.organization(), "stripe")
    assert running(lambda: post(to.path, **signed_bytes(body))).status_code == status


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/nowhere", "POST", 404, "not_found"),
        ("/webhooks/stripe/1", "GET", 405, "method_not_allowed"),
    ],
)
def test_other_addresses_answer_in_the_same_shape(path, method, status, code, running):
    answer = running(lambda: post(path, method=method))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_health_readiness_and_metrics(running):
    async def conversation():
        return [await post(path, method="GET") for path in ("/healthz", "/readyz", "/metrics")]

    alive, ready, metrics = running(conversation)
    assert (alive.json(), ready.json()) == ({"status": "ok"}, {"status": "ready"})
    assert "salesops_deliveries_total" in metrics.text
