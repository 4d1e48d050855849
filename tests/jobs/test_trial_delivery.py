"""A test delivery arrives and says so, or says what stands in its way."""

import pytest
from sqlalchemy import select

from core.deliveries.actions import rotate_secret
from core.deliveries.models import WebhookDelivery
from core.deliveries.queries import connection_state
from core.operations.trial_delivery import send_test_delivery
from core.platform.database import as_system
from core.platform.settings import settings
from core.providers import registry
from tests import factories as make
from tests.fakes.serving import Fake, Speaking
from tests.flow import sender, work
from tests.ui.screens import opened, words
from tests.webhooks.receiver import receiver

OURS = b'{"error":{"code":"%s","message":""}}'


class Stranger(Fake):
    """Gives the answer that a test chooses."""

    def handler(self):
        fake = self

        class Handler(Speaking):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, body, headers = fake.answers[0]
                self.say(status, body, headers)

        return Handler


@pytest.fixture
def receiver_is(monkeypatch):
    def at(url):
        monkeypatch.setenv("WEBHOOK_PUBLIC_URL", url)
        settings.cache_clear()

    yield at
    monkeypatch.undo()
    settings.cache_clear()


def result_for(to):
    """What the connection's state says after a test delivery."""
    send_test_delivery(to.organization_id, to.connection_id)
    with as_system(to.organization_id) as db:
        state = connection_state(db, to.connection_id)
    assert state["tested_at"] is not None
    return state["test_error"]


def test_of_every_provider_it_arrives_and_ends_as_a_test_that_was_received(receiver_is):
    org = make.organization()
    with receiver() as url:
        receiver_is(url + "/")
        senders = [sender(org, provider) for provider in registry.with_inbound()]
        assert [result_for(to) for to in senders] == [None] * len(senders)
    work()
    with as_system(org) as db:
        found = select(WebhookDelivery.status, WebhookDelivery.last_error, WebhookDelivery.attempts)
        assert set(db.execute(found).all()) == {("test", None, 1)}
    admin = make.viewer(org)
    page = opened("connections", admin, id=str(senders[0].connection_id))
    assert any(line.startswith("Test delivery received, today") for line in words(page))


@pytest.mark.parametrize(
    ("status", "body", "headers", "says"),
    [
        (401, OURS % b"unauthorized", {}, "it belongs to another installation"),
        (401, b"Sign in first", {}, "Something else answers at"),
        (404, b"{}", {}, "Something else answers at"),
        (200, b"Welcome", {}, "but the test delivery did not arrive here"),
        (301, b"", {"Location": "https://example.com"}, "sends callers on to another address"),
        (503, OURS % b"unavailable", {}, "its database is away"),
        (429, OURS % b"too_many_requests", {}, "Too many deliveries arrived this minute"),
        (500, OURS % b"error", {}, "refused the test delivery with status 500"),
    ],
)
def test_somebody_elses_answer_is_told_from_ours(receiver_is, status, body, headers, says):
    to = sender(make.organization(), "stripe")
    with Stranger().running() as stranger:
        stranger.will((status, body, headers))
        receiver_is(stranger.url)
        assert says in result_for(to)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1", "Nothing answers at http://127.0.0.1:"),
        ("ftp://hooks.example.com", "is no web address"),
        ("http://no-such-host.invalid", "leads nowhere"),
    ],
)
def test_an_address_at_which_nothing_is_says_so_on_the_page(receiver_is, address, says):
    to = sender(make.organization(), "stripe")
    receiver_is(address)
    assert says in result_for(to)
    page = opened("connections", make.viewer(to.organization_id), id=str(to.connection_id))
    assert any(line.startswith("Test delivery failed, today") for line in words(page))


def test_a_secret_that_can_sign_nothing_is_named(receiver_is):
    to = sender(make.organization(), "resend")
    with as_system(to.organization_id) as db:
        rotate_secret(db, to.connection_id, "whsec_abc")
    assert "That doesn't look like a Resend signing secret" in result_for(to)
