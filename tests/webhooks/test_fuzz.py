"""Whatever a stranger sends, the receiver answers in its own format, and stores nothing that was
not signed.
"""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from core.providers.registry import with_inbound
from tests import factories as make
from tests.fakes.systems import vectors
from tests.flow import post, sender
from tests.webhooks.conftest import opened
from tests.webhooks.deliveries import kept, signed_bytes

SIGNING = {header for _, vector in vectors().values() for header in vector.headers}
NAMES = [*sorted(SIGNING), "content-type"]
TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60
).map(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["id", "type", "data", "event"]), inner)
    ),
    max_leaves=8,
)


def answer_to(path, **request):
    async def conversation():
        async with opened():
            return await post(path, **request)

    return asyncio.run(conversation())


@given(
    provider=st.sampled_from(list(with_inbound())),
    body=st.binary(max_size=200),
    headers=st.dictionaries(st.sampled_from(NAMES), TEXT),
)
def test_unsigned_noise_is_unauthorized(provider, body, headers):
    to = sender(make.organization(), "stripe")
    answer = answer_to(
        f"/webhooks/{provider}/{to.connection_id}",
        content=body,
        headers={name: value.encode("latin-1") for name, value in headers.items()},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert kept(to.organization_id) == 0


@given(body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_signed_noise_is_kept(body):
    to = sender(make.organization(), "stripe")
    answer = answer_to(to.path, **signed_bytes(body))
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert kept(to.organization_id) == 1
