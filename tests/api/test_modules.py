"""Without a module, programs of an organisation are refused everything that belongs to it, with
people's tokens as with keys.
"""

from uuid import uuid4

import pytest

from core.metrics.export_tables import EXPORTS
from core.tenancy.access.models import Role
from tests import factories as make
from tests.api.client import ASKED, PAYOUT, get, key_of, refused, request, token_of
from webhooks.api import ENDPOINTS


@pytest.fixture(scope="module")
def tokens(database_url):
    """A person's token and a key of an organisation without the bookings module."""
    org = make.organization(name="Elder", modules=["phone"])
    return {"person": token_of(make.viewer(org, Role.OWNER)), "key": key_of(org)}


@pytest.mark.parametrize("who", ["person", "key"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_a_request_goes_by_the_organisations_modules(tokens, endpoint, who):
    body = (
        {"json": PAYOUT if "payout" in endpoint.path else {"call_occurred": False}}
        if endpoint.method == "POST"
        else {}
    )
    path, asked = (
        endpoint.path.replace("{id}", str(uuid4())),
        {"table": "leads"} if endpoint.path == "/api/export" else ASKED.get(endpoint.path, {}),
    )
    answer = request(endpoint.method, path, tokens[who], params=asked, **body)

    assert answer.is_success == (endpoint.access.module is None)
    if endpoint.access.module:
        assert refused(answer) == (403, "module_switched_off", None)
        assert answer.json()["error"]["message"].startswith("Bookings is switched off for Elder.")


@pytest.mark.parametrize("who", ["person", "key"])
def test_figures_go_by_the_modules_of_what_they_are_counted_from(tokens, who):
    days = {"start": "2026-11-01", "end": "2026-12-01"}

    assert get("/api/metrics", tokens[who], **days).json()["totals"] == {"leads": 0}
    for metric in ("booked_calls", "net_revenue", "leads_booked", "booking_share"):
        refusal = refused(get("/api/metrics", tokens[who], metrics=f"leads,{metric}", **days))
        assert refusal == (403, "module_switched_off", None)


@pytest.mark.parametrize("who", ["person", "key"])
@pytest.mark.parametrize("table", EXPORTS.values(), ids=list(EXPORTS))
def test_an_export_goes_by_the_organisations_modules(tokens, table, who):
    answer = get("/api/export", tokens[who], table=table.name)

    assert answer.is_success == (table.module is None)
    if table.module:
        assert refused(answer)[:2] == (403, "module_switched_off")
