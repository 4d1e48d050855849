"""An address that was pasted with a slash at its end is answered as the one without, never by a
redirect: Stripe and Calendly take one for a failure.
"""

import pytest

from core.providers.payloads import signed
from tests import factories as make
from tests.api.client import request
from tests.flow import SECRET, post, sender
from tests.webhooks.deliveries import kept, payload, said
from webhooks.api import ENDPOINTS, OPEN

ADDRESSES = [
    (each.method, each.path.format(provider="stripe", connection_id="none", id="none"))
    for each in (*OPEN, *ENDPOINTS)
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_every_address_answers_in_both_spellings_alike(method, path):
    plain, slashed = request(method, path), request(method, f"{path}/")

    assert slashed.status_code == plain.status_code
    assert not slashed.is_redirect
    assert slashed.headers.get("content-type") == plain.headers.get("content-type")


@pytest.mark.parametrize("path", ["/api/nothing/", "/webhooks/stripe/", "/api/metrics//"])
def test_an_address_that_does_not_exist_is_no_redirect_either(path):
    assert request("POST", path).status_code == 404


def test_a_delivery_to_the_address_with_a_slash_is_kept(running):
    org = make.organization()
    body, headers = signed("stripe", payload(), SECRET)

    answer = running(lambda: post(f"{sender(org, 'stripe').path}/", content=body, headers=headers))

    assert (said(answer), kept(org)) == ((200, {"status": "accepted"}), 1)
