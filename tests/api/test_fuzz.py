"""Whatever a program sends, it gets an answer in the described shape, and never an unexpected
error.
"""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bookings.models import CallStatus
from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import FORMATS
from core.platform.clock import now
from core.platform.database import as_system
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.api.client import described, get, key_of, request, schema_of, token_of

LISTS = {
    "/api/metrics": [
        "start",
        "end",
        "by",
        "metrics",
        "filter.closer",
        "filter.source",
        "filter.",
        "filter.nothing",
    ],
    "/api/events": [
        "limit",
        "cursor",
        "start",
        "end",
        "closer_id",
        "call_type_id",
        "call_status",
        "event_outcome",
        "search",
    ],
    "/api/payments": ["limit", "cursor", "start", "end", "setter_id", "unattributed"],
    "/api/leads": ["limit", "cursor"],
    "/api/export": ["table", "format", "columns", "start_date", "end_date"],
}
DAYS = st.dates().map(str) | st.sampled_from(
    ["2026-11-01", "2026-12-01", "0000-00-00", "2026-11-1", "-1"]
)
OWN_WORDS = [
    *METRICS,
    *DIMENSIONS,
    *EXPORTS,
    *FORMATS,
    *CallStatus,
    "1",
    "500",
    "true",
    "²",
    "\0",
    "%",
    "'",
    "W10=",
]
WORD = (
    st.sampled_from(OWN_WORDS)
    | st.text(max_size=20)
    | st.uuids().map(str)
    | st.integers().map(str)
    | DAYS
)
VALUE = WORD | st.lists(WORD, max_size=4).map(",".join)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(st.characters(), max_size=20)
    | WORD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=6,
)
BODY = described()["paths"]["/api/events/{id}/pcf"]["post"]["requestBody"]["content"]
FORM = list(schema_of(BODY["application/json"]["schema"], described())["properties"])


@pytest.fixture(scope="module")
def callers():
    """A key, a closer and a viewer of an organisation with some rows and a plan without an hourly
    limit.
    """
    org = make.organization(plan="enterprise")
    rep, viewer = make.viewer(org, "sales_rep"), make.viewer(org, "viewer")
    with as_system(org) as db:
        event = make.event(
            db, org, make.closer(db, org, "Ana", user_id=rep.user_id), at=now() - timedelta(hours=1)
        )
        make.payment(db, org, event_id=event.id, currency="KWD")
        assert db.get_one(Organization, org).plan == "enterprise"
    return {"key": key_of(org), "rep": token_of(rep), "viewer": token_of(viewer), "event": event.id}


def body_of(names):
    known = st.dictionaries(st.sampled_from(names), JSON)
    return (known | JSON).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200)


@given(
    data=st.data(), path=st.sampled_from(list(LISTS)), who=st.sampled_from(["key", "rep", "viewer"])
)
def test_any_question_is_answered(callers, data, path, who):
    params = data.draw(
        st.dictionaries(st.sampled_from(LISTS[path]) | st.text(max_size=10), VALUE, max_size=6)
    )
    assert get(path, callers[who], **params).status_code in (200, 422)


@given(data=st.data(), who=st.sampled_from(["key", "viewer"]))
def test_any_question_of_sound_days_and_dimensions_is_answered(callers, data, who):
    by = data.draw(st.lists(st.sampled_from(list(DIMENSIONS)), max_size=3, unique=True))
    start, end = sorted(data.draw(st.lists(st.dates(), min_size=2, max_size=2, unique=True)))
    assert get("/api/metrics", callers[who], start=start, end=end, by=",".join(by)).status_code in (
        200,
        422,
    )


@given(body=body_of(FORM))
def test_any_form_is_answered(callers, body):
    answer = request("POST", f"/api/events/{callers['event']}/pcf", callers["rep"], content=body)
    assert answer.status_code in (200, 201, 422)


@given(data=st.data())
def test_a_form_that_is_nearly_right_is_answered(callers, data):
    sound = {
        "call_occurred": True,
        "lead_showed": True,
        "offer_made": True,
        "deal_closed": True,
        "cash_collected": "5",
    }
    changes = data.draw(st.dictionaries(st.sampled_from(FORM), JSON, min_size=1, max_size=2))
    answer = request(
        "POST",
        f"/api/events/{callers['event']}/pcf",
        callers["rep"],
        content=json.dumps(sound | changes).encode(),
    )
    assert answer.status_code in (200, 201, 422)


@given(body=body_of(["name", "period_start", "period_end"]))
def test_any_payout_is_answered(callers, body):
    assert request("POST", "/api/payout-snapshots", callers["key"], content=body).status_code in (
        201,
        422,
    )


@given(body=body_of(["email", "password", "organization"]), address=st.ip_addresses(v=4).map(str))
def test_any_sign_in_is_answered(body, address):
    assert request("POST", "/api/auth/login", content=body, address=address).status_code in (
        401,
        422,
        429,
    )


@given(
    authorization=st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60
    ).map(str.strip)
    | st.text(st.sampled_from("abcXYZ019_-.="), max_size=80).map("Bearer ".__add__)
)
def test_any_token_is_refused(authorization):
    answer = request(
        "GET", "/api/events", headers={"Authorization": authorization.encode("latin-1")}
    )
    assert answer.status_code == 401


@given(
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
def test_any_address_is_answered(callers, path, method):
    parts = [f"/api/payout-snapshots/{path}", f"/api/events/{path}/pcf", f"/{path}"]
    for each in parts:
        quoted = "".join(
            f"%{byte:02X}" if byte < 33 or byte > 126 or chr(byte) in "%?#" else chr(byte)
            for byte in each.encode()
        )
        answer = request(method, quoted, callers["key"], follow_redirects=True)
        assert answer.status_code < 500
        assert "Traceback" not in answer.text
