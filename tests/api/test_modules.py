"""Programs of an organisation without a module are refused what belongs to it, people's tokens and
keys alike.
"""

from uuid import uuid4

import pytest

from core.metrics.export_tables import EXPORTS
from core.tenancy.access.models import Role
from tests import factories as make
from tests.api.client import get, key_of, refused, request, token_of
from tests.api.test_roles import ASKED, PAYOUT
from webhooks.api import CALLS


@pytest.fixture(scope="module")
def tokens(database_url):
    """A person's token and a key of an organisation that books no calls."""
    org = make.organization(name="Elder", modules=["phone"])
    return {"person": token_of(make.viewer(org, Role.OWNER)), "key": key_of(org)}


@pytest.mark.parametrize("who", ["person", "key"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_a_request_goes_by_the_organisations_modules(tokens, call, who):
    body = (
        {"json": PAYOUT if "payout" in call.path else {"call_occurred": False}}
        if call.method == "POST"
        else {}
    )
    path, asked = (
        call.path.replace("{id}", str(uuid4())),
        ASKED.get(call.path, {}) | {"table": "leads"},
    )
    answer = request(call.method, path, tokens[who], params=asked, **body)

    assert answer.is_success == (call.access.module is None)
    if call.access.module:
        assert refused(answer) == (403, "module_switched_off", None)
        assert answer.json()["error"]["message"].startswith("Bookings is switched off for Elder.")


@pytest.mark.parametrize("who", ["person", "key"])
@pytest.mark.parametrize("table", EXPORTS.values(), ids=list(EXPORTS))
def test_an_export_goes_by_the_organisations_modules(tokens, table, who):
    answer = get("/api/export", tokens[who], table=table.name)

    assert answer.is_success == (table.module is None)
    if table.module:
        assert refused(answer)[:2] == (403, "module_switched_off")
