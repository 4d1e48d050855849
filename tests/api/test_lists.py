"""Lists in pages: every row once, whatever is added meanwhile, and nothing that the caller did not
ask for.
"""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.bookings.models import Package, PostCallForm
from core.people.models import Contact, Lead
from core.platform.database import as_system
from core.platform.paging import encode_cursor
from tests import factories as make
from tests.api.client import forget_engines, get, key_of, refused
from tests.factories import NOON
from tests.ports import owner

EMPTY = {"items": [], "next_cursor": None}
TIMES = {
    "/api/events": "scheduled_at",
    "/api/payments": "payment_date",
    "/api/leads": "received_at",
}
PATHS = list(TIMES)


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def key(org):
    return key_of(org)


def lead(db, org, *, at, **values):
    contact = Contact(
        organization_id=org,
        id=uuid4(),
        name="Lead One",
        email="lead.one@example.com",
        phone="+45 12 34 56 78",
    )
    db.add(contact)
    db.flush()
    row = Lead(organization_id=org, id=uuid4(), contact_id=contact.id, created_at=at, **values)
    db.add(row)
    db.flush()
    return row


MAKE = {"/api/events": make.event, "/api/payments": make.payment, "/api/leads": lead}


def add(path, org, at):
    with as_system(org) as db:
        return str(MAKE[path](db, org, at=at).id)


def pages(path, key, between=lambda: None, **params):
    """The items of every page, up to the last."""
    cursor = {}
    while cursor is not None:
        page = get(path, key, **params, **cursor).json()
        yield page["items"]
        between()
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None


def every(walked):
    return [item for page in walked for item in page]


def ids(items):
    return [item["id"] for item in items]


def test_an_event_says_all_that_is_promised(org, key):
    with as_system(org) as db:
        ana, sam = make.closer(db, org, "Ana"), make.setter(db, org, "Sam")
        full = make.event(
            db,
            org,
            ana,
            set_by=sam,
            source_id=make.source(db, org, "Webinar").id,
            call_status="completed",
            event_outcome="closed",
            pcf_submitted=True,
            booked_at=NOON.replace(microsecond=5),
        )
        bare = make.event(db, org, at=NOON - timedelta(hours=1), email=None, lead_name=None)
    assert get("/api/events", key).json() == {
        "next_cursor": None,
        "items": [
            {
                "id": str(full.id),
                "lead_name": "Lead One",
                "lead_email": "lead.one@example.com",
                "scheduled_at": "2026-11-04T12:00:00Z",
                "booked_at": "2026-11-04T12:00:00.000005Z",
                "call_status": "completed",
                "event_outcome": "closed",
                "closer": "Ana",
                "setter": "Sam",
                "source": "Webinar",
                "traffic_type": None,
                "call_type": None,
                "pcf_submitted": True,
            },
            {
                "id": str(bare.id),
                "lead_name": None,
                "lead_email": None,
                "scheduled_at": "2026-11-04T11:00:00Z",
                "booked_at": "2026-11-02T11:00:00Z",
                "call_status": "scheduled",
                "event_outcome": None,
                "closer": None,
                "setter": None,
                "source": None,
                "traffic_type": None,
                "call_type": None,
                "pcf_submitted": False,
            },
        ],
    }


def test_a_payment_says_all_that_is_promised(org, key):
    with as_system(org) as db:
        ana, sam = make.closer(db, org, "Ana"), make.setter(db, org, "Sam")
        event = make.event(db, org, ana, set_by=sam)
        paid = make.payment(
            db,
            org,
            "4997.00",
            refund_amount="97.50",
            event_id=event.id,
            closer_id=ana.id,
            setter_id=sam.id,
            disputed=True,
            source_id=make.source(db, org, "Webinar").id,
            processor="stripe",
            processor_payment_id="pi_1",
            attribution_method="email",
            attribution_reason="matched lead.one@example.com",
        )
    assert get("/api/payments", key).json() == {
        "next_cursor": None,
        "items": [
            {
                "id": str(paid.id),
                "amount": "4997.00",
                "refund_amount": "97.50",
                "net_revenue": "4899.50",
                "currency": "USD",
                "payment_date": "2026-11-04T13:00:00Z",
                "customer_email": "lead.one@example.com",
                "status": "succeeded",
                "disputed": True,
                "processor": "stripe",
                "processor_payment_id": "pi_1",
                "event_id": str(event.id),
                "closer": "Ana",
                "setter": "Sam",
                "source": "Webinar",
                "counts": True,
                "superseded_by": None,
                "attribution": {"method": "email", "reason": "matched lead.one@example.com"},
            }
        ],
    }


def test_a_lead_says_all_that_is_promised(org, key):
    with as_system(org) as db:
        webinar = make.source(db, org, "Webinar")
        one = lead(
            db,
            org,
            at=NOON,
            source_id=webinar.id,
            original_setter_name="Sam",
            current_setter_name="Kim",
        )
    assert get("/api/leads", key).json() == {
        "next_cursor": None,
        "items": [
            {
                "id": str(one.id),
                "contact_id": str(one.contact_id),
                "name": "Lead One",
                "email": "lead.one@example.com",
                "phone": "+45 12 34 56 78",
                "status": "new",
                "source": "Webinar",
                "original_setter_name": "Sam",
                "current_setter_name": "Kim",
                "received_at": "2026-11-04T12:00:00Z",
                "created_at": "2026-11-04T12:00:00Z",
            }
        ],
    }


def test_a_lead_was_received_at_one_instant_in_the_list_the_figure_and_the_export(org, key):
    with as_system(org) as db:
        early = lead(db, org, at=NOON, received_at=NOON - timedelta(days=30))
        late = lead(db, org, at=NOON - timedelta(days=30), received_at=NOON)
        unknown = lead(db, org, at=NOON - timedelta(days=1))
    november = {"start": "2026-11-01", "end": "2026-12-01"}
    days = {"start_date": november["start"], "end_date": november["end"]}
    listed = get("/api/leads", key).json()["items"]
    figures = get("/api/metrics", key, metrics="leads", **november).json()
    exported = get("/api/export", key, table="leads", format="json", columns="id", **days).text

    assert ids(listed) == [str(row.id) for row in (late, unknown, early)]
    assert [item["received_at"] for item in listed] == [
        "2026-11-04T12:00:00Z",
        "2026-11-03T12:00:00Z",
        "2026-10-05T12:00:00Z",
    ]
    assert figures["totals"] == {"leads": 2}
    assert ids(map(json.loads, exported.splitlines())) == [str(unknown.id), str(late.id)]


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("USD", "5", "5.00"),
        ("JPY", "500", "500"),
        ("KWD", "5.12", "5.120"),
        ("EUR", "0.10", "0.10"),
    ],
)
def test_money_has_its_currencys_own_decimals(org, key, currency, amount, shown):
    with as_system(org) as db:
        make.payment(db, org, amount, currency=currency)
    assert get("/api/payments", key).json()["items"][0]["amount"] == shown


@contextmanager
def database_in(zone):
    """Sets the database's own time zone for the length of the block."""
    with owner() as db:
        db.execute(text(f"alter database {db.engine.url.database} set timezone = '{zone}'"))
    forget_engines()
    try:
        yield
    finally:
        with owner() as db:
            db.execute(text(f"alter database {db.engine.url.database} reset timezone"))
        forget_engines()


def test_instants_are_in_utc_whatever_zone_the_database_is_in(org, key):
    for path in PATHS[:2]:
        add(path, org, NOON)
    with database_in("Asia/Tokyo"):
        [event], [payment] = (
            get(path, key, start="2026-11-04", end="2026-11-05").json()["items"]
            for path in PATHS[:2]
        )
    assert (event["scheduled_at"], payment["payment_date"]) == (
        "2026-11-04T12:00:00Z",
        "2026-11-04T12:00:00Z",
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_walking_pages_gives_each_row_once_latest_first(org, key, path, limit):
    made = [add(path, org, NOON + timedelta(hours=hour)) for hour in (0, 0, 0, 1, 2, 2, 5)]
    walked = list(pages(path, key, limit=limit))
    assert sorted(ids(every(walked))) == sorted(made)
    times = [item[TIMES[path]] for item in every(walked)]
    assert times == sorted(times, reverse=True)
    assert [len(page) for page in walked[:-1]] == [limit] * (len(walked) - 1)


@pytest.mark.parametrize("path", PATHS)
def test_rows_that_are_added_meanwhile_neither_repeat_nor_hide_others(org, key, path):
    made = [add(path, org, NOON + timedelta(hours=hour)) for hour in range(6)]
    newer = iter(range(100))
    walked = list(
        pages(path, key, lambda: add(path, org, NOON + timedelta(hours=50 + next(newer))), limit=2)
    )
    assert ids(every(walked)) == made[::-1]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "limit", ["0", "-1", "501", "9" * 5000, "ten", "1.5", "", "²", " 5", "1e2"]
)
def test_a_page_has_one_to_five_hundred_rows(key, path, limit):
    assert refused(get(path, key, limit=limit)) == (422, "invalid_input", "limit")


@pytest.mark.parametrize("limit", [1, 500])
def test_the_bounds_of_a_page_are_allowed(key, limit):
    assert get("/api/events", key, limit=limit).json() == EMPTY


@pytest.mark.parametrize("path", PATHS)
def test_a_cursor_that_was_tampered_with_is_refused(key, path):
    cursor = encode_cursor(NOON, uuid4())
    changed = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        for place in range(len(cursor))
    ]
    for forged in [*changed, cursor[:-1], cursor + "=", "x", ".", "W10=", "\u00e9", "[" * 5000]:
        assert refused(get(path, key, cursor=forged)) == (422, "invalid_input", "cursor")
    assert get(path, key, cursor=cursor).json() == EMPTY


def test_another_organisations_cursor_shows_nothing_of_it(org, key):
    theirs = make.organization()
    for hour in range(3):
        add("/api/events", theirs, NOON + timedelta(hours=hour))
    own = add("/api/events", org, NOON - timedelta(hours=1))
    cursor = get("/api/events", key_of(theirs), limit=1).json()["next_cursor"]
    assert ids(get("/api/events", key, cursor=cursor).json()["items"]) == [own]


def test_days_are_the_organisations_and_the_end_is_exclusive():
    org = make.organization(timezone="America/New_York")
    for path in PATHS[:2]:
        inside = [
            add(path, org, at)
            for at in (
                datetime(2026, 11, 5, 4, 59, 59, tzinfo=UTC),
                datetime(2026, 11, 4, 5, tzinfo=UTC),
            )
        ]
        for at in (
            datetime(2026, 11, 4, 4, 59, 59, tzinfo=UTC),
            datetime(2026, 11, 5, 5, tzinfo=UTC),
        ):
            add(path, org, at)
        assert (
            ids(get(path, key_of(org), start="2026-11-04", end="2026-11-05").json()["items"])
            == inside
        )


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"start": "2026-11-04"}, "end"),
        ({"end": "2026-11-04"}, "start"),
        ({"start": "4.11.2026", "end": "2026-11-05"}, "start"),
        ({"start": "2026-11-04", "end": "2026-11-04"}, "end"),
        ({"start": "2026-11-04", "end": "2026-02-30"}, "end"),
        ({"start": "0001-01-01", "end": "9999-12-31"}, "start"),
        ({"closer_id": "Ana"}, "closer_id"),
        ({"source_id": "1,2"}, "source_id"),
    ],
)
@pytest.mark.parametrize("path", PATHS[:2])
def test_a_wrong_filter_names_its_field(key, path, params, field):
    assert refused(get(path, key, **params)) == (422, "invalid_input", field)


@pytest.mark.parametrize("name", ["call_status", "event_outcome"])
@pytest.mark.parametrize("value", ["lost", "\0", "completed,lost"])
def test_a_word_that_no_event_can_have_names_its_field(key, name, value):
    assert refused(get("/api/events", key, **{name: value})) == (422, "invalid_input", name)


NARROWED = [
    ("/api/events", {"closer": "Bo"}),
    ("/api/events", {"filter.closer": "Bo"}),
    ("/api/events", {"closer_id": ""}),
    ("/api/payments", {"outcome": "closed"}),
    ("/api/payments", {"closer_id": ","}),
    ("/api/payments", {"package_id": ""}),
    ("/api/payments", {"event_outcome": ""}),
    ("/api/events", {"call_status": ","}),
    ("/api/metrics", {"start": "2026-11-01", "end": "2026-12-01", "closer": "Bo"}),
    ("/api/metrics", {"start": "2026-11-01", "end": "2026-12-01", "filter.closer": ""}),
    ("/api/metrics", {"start": "2026-11-01", "end": "2026-12-01", "filter.closer": ","}),
    ("/api/export", {"table": "payments", "filter.closer": "Bo"}),
]


@pytest.mark.parametrize(("path", "params"), NARROWED)
def test_what_narrows_to_nothing_in_particular_is_refused_and_never_shows_everything(
    key, path, params
):
    *_, field = params
    assert refused(get(path, key, **params)) == (422, "invalid_input", field)


def test_filters_narrow_to_any_of_several(org, key):
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        showed = make.event(
            db, org, ana, call_status="completed", event_outcome="showed", lead_name="Åse 100%"
        )
        missed = make.event(
            db,
            org,
            bo,
            at=NOON - timedelta(hours=1),
            call_status="no_show",
            event_outcome="no_show",
        )
        booked = make.event(
            db, org, at=NOON - timedelta(hours=2), email="other@example.com", lead_name="Other"
        )
    expected = {
        (("closer_id", str(ana.id)),): [showed],
        (("closer_id", f"{ana.id},{bo.id}"),): [showed, missed],
        (("call_status", "no_show"),): [missed],
        (("call_status", "no_show, scheduled"),): [missed, booked],
        (("event_outcome", "showed,no_show"),): [showed, missed],
        (("search", "OTHER@example.com"),): [booked],
        (("search", "100%"),): [showed],
        (("search", "%"),): [showed],
        (("search", "_"),): [],
        (("search", "\0"),): [showed, missed, booked],
    }
    for params, events in expected.items():
        assert ids(get("/api/events", key, **dict(params)).json()["items"]) == [
            str(event.id) for event in events
        ]


def test_lists_are_narrowed_to_what_came_of_a_booking_like_the_figures(org, key):
    """The processor's package goes before the form's, as it does for the figures."""
    with as_system(org) as db:
        core, plus = uuid4(), uuid4()
        db.add_all(
            Package(organization_id=org, id=id_, name=name)
            for id_, name in ((core, "Core"), (plus, "Core Plus"))
        )
        db.flush()
        states = {"call_status": "completed", "pcf_submitted": True}
        closed = make.event(db, org, event_outcome="closed", **states)
        sold = make.event(db, org, event_outcome="closed", at=NOON - timedelta(hours=1), **states)
        make.event(db, org, at=NOON - timedelta(hours=2), event_outcome="showed", **states)
        for event in (closed, sold):
            said = {"call_occurred": True, "package_id": core, "submitted_at": NOON}
            db.add(PostCallForm(organization_id=org, event_id=event.id, **said))
        card = make.payment(db, org, event_id=sold.id, package_id=plus)
        cash = make.payment(db, org, at=NOON, event_id=closed.id, package_id=core)
        make.payment(db, org, at=NOON - timedelta(days=1))
    expected = {
        ("package_id", core): ([closed], [cash]),
        ("package_id", plus): ([sold], [card]),
        ("package_id", f"{core},{plus}"): ([closed, sold], [card, cash]),
        ("event_outcome", "closed"): ([closed, sold], [card, cash]),
        ("event_outcome", "no_show"): ([], []),
    }
    for (name, value), both in expected.items():
        for path, rows in zip(PATHS, both, strict=False):
            found = ids(get(path, key, **{name: str(value)}).json()["items"])
            assert found == [str(row.id) for row in rows], (path, name, value)


def test_unattributed_payments_are_those_that_nobody_was_found_for(org, key):
    with as_system(org) as db:
        lost = make.payment(db, org)
        make.payment(db, org, status="failed")
        make.payment(db, org, event_id=make.event(db, org).id, attribution_method="email")
    assert ids(get("/api/payments", key, unattributed="true").json()["items"]) == [str(lost.id)]
