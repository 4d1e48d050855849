"""Fields that an organisation defines, as dimensions of figures: grouped by, narrowed to, and
drilled into, without counting anything twice.
"""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from core.bookings.design import When
from core.bookings.designs import add_item, change_item, design_in_work, leave_out, publish
from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.bookings.queries import EventFilter, count_events
from core.metrics.custom import custom_dimensions, dimension_to_group, filters_of
from core.metrics.dashboard import data_stamp
from core.metrics.drill import bookings_behind, matching
from core.metrics.export_queries import Written
from core.metrics.exports import export
from core.metrics.facts import EVENTS
from core.metrics.filters import values_of
from core.metrics.table import metrics_table
from core.money.form_filing import file_form
from core.people.models import FieldKind
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.errors import InvalidInput
from tests import factories as make
from tests.api.client import get, refused, token_of

CLOSED = FormAnswers(True, True, True, True, cash_collected=Decimal(100), currency="USD")
ONLY = ["booked_calls", "shows", "closes", "show_rate", "cash_collected"]
# warmth, topics, decision maker there, form; the last booking has no form
ANSWERS = [
    ("Hot", ["Price", "Time"], True, CLOSED),
    ("Hot", ["Time"], False, FormAnswers(True, True)),
    ("Cold", [], True, CLOSED),
    (None, ["Price"], None, FormAnswers(True, True)),
    None,
]


@pytest.fixture(scope="module")
def admin(database_url):
    """An organisation whose form asks three questions of its own, and five bookings."""
    admin = make.viewer(make.organization(), "admin", name="Ada Alder")
    with admin.transaction() as db:
        add_item(db, FieldKind.SELECT, {"label": "Warmth", "options": ["Cold", "Hot"]})
        add_item(db, FieldKind.MULTI_SELECT, {"label": "Topics", "options": ["Price", "Time"]})
        add_item(db, FieldKind.YES_NO, {"label": "Decider"})
        add_item(db, FieldKind.TEXT, {"label": "Remark"})
        publish(db, design_in_work(db), admin)
    for number, given in enumerate(ANSWERS):
        with as_system(admin.organization_id) as db:
            closer = make.closer(db, admin.organization_id, f"Closer {number}")
            at = now() - timedelta(hours=number + 2)
            event = make.event(db, admin.organization_id, closer, at=at).id
        if given is None:
            continue
        warmth, topics, decider, form = given
        custom = {
            "custom.warmth": warmth,
            "custom.topics": topics,
            "custom.decider": decider,
            "custom.remark": "Long",
        }
        with admin.transaction() as db:
            file_form(db, event, form, admin, custom=custom)
    return admin


@pytest.fixture
def db(admin):
    with admin.transaction() as session:
        yield session


def period(admin):
    day = today(admin.timezone)
    return Period(day - timedelta(days=2), day + timedelta(days=2), admin.timezone)


def grouped(db, admin, key, **wanted):
    by = dimension_to_group(db, key)
    figures = metrics_table(db, period(admin), [by], filters_of(db, wanted), only=ONLY)
    return {row.keys[key].name: row.values for row in figures.rows}, figures


def chosen(db, key, *names):
    offered = values_of(db, custom_dimensions(db))[key]
    return filters_of(db, {key: tuple(offered[each] if each else None for each in names)})


def narrowed(db, admin, key, *names):
    return metrics_table(db, period(admin), (), chosen(db, key, *names), only=ONLY).totals


def test_the_fields_of_a_few_words_are_dimensions_and_the_others_are_not(db):
    found = custom_dimensions(db)
    assert list(found) == ["form_warmth", "form_topics", "form_decider"]
    assert [each.label for each in found.values()] == ["Warmth", "Topics", "Decider"]


def test_figures_are_grouped_by_an_option_and_add_up_to_the_whole(db, admin):
    rows, figures = grouped(db, admin, "form_warmth")
    assert {name: values["booked_calls"] for name, values in rows.items()} == {
        "Hot": 2,
        "Cold": 1,
        None: 2,
    }
    assert {name: values["cash_collected"] for name, values in rows.items()} == {
        "Hot": {"USD": Decimal(100)},
        "Cold": {"USD": Decimal(100)},
        None: {},
    }
    assert figures.totals["booked_calls"] == 5
    assert figures.totals["cash_collected"] == {"USD": Decimal(200)}


def test_figures_are_grouped_by_yes_and_no(db, admin):
    rows, _ = grouped(db, admin, "form_decider")
    counts = {name: values["booked_calls"] for name, values in rows.items()}
    assert counts == {"yes": 2, "no": 1, None: 2}


def test_a_rate_of_those_who_gave_an_answer_would_say_nothing_and_is_none(db, admin):
    rows, _ = grouped(db, admin, "form_warmth")
    assert {values["show_rate"] for values in rows.values()} == {None}
    assert narrowed(db, admin, "form_warmth", "Hot")["show_rate"] is None


@pytest.mark.parametrize(
    ("key", "names", "count"),
    [
        ("form_warmth", ["Hot"], 2),
        ("form_warmth", ["Hot", "Cold"], 3),
        ("form_warmth", [None], 2),
        ("form_topics", ["Price"], 2),
        ("form_topics", ["Price", "Time"], 3),
        ("form_topics", [None], 2),
        ("form_topics", ["Time", None], 4),
        ("form_decider", ["Yes"], 2),
        ("form_decider", ["No", None], 3),
    ],
    ids=str,
)
def test_figures_are_narrowed_and_the_list_of_bookings_has_as_many_rows(
    db, admin, key, names, count
):
    assert narrowed(db, admin, key, *names)["booked_calls"] == count
    condition = matching(db, EVENTS, "booked_calls", chosen(db, key, *names))
    listed = EventFilter(period=period(admin), condition=condition)
    assert count_events(db, listed) == count


def test_the_bookings_behind_narrowed_cash_are_those_that_were_paid(db, admin):
    filters = chosen(db, "form_warmth", "Hot")
    behind = bookings_behind("cash_collected", period(admin), filters)
    assert count_events(db, EventFilter(condition=behind)) == 1


def test_several_answers_are_never_grouped_by_since_they_would_count_twice(db):
    with pytest.raises(InvalidInput, match="would count in each of them"):
        dimension_to_group(db, "form_topics")


def test_the_stamp_of_a_dashboard_follows_what_it_is_narrowed_by(admin):
    with admin.transaction() as db:
        before = data_stamp(db, chosen(db, "form_warmth", "Hot"))
        event = db.scalars(select(Event.id).order_by(Event.scheduled_at)).first()
    with admin.transaction() as db:
        file_form(db, event, FormAnswers(False), admin)
    with admin.transaction() as db:
        assert data_stamp(db, chosen(db, "form_warmth", "Hot")) != before


def test_programs_group_and_narrow_by_them(admin):
    token, days = token_of(admin), period(admin)

    def figures(**more):
        asked = {"start": str(days.start), "end": str(days.end), "metrics": "booked_calls"}
        return get("/api/metrics", token, **(asked | more))

    found = figures(by="form_warmth").json()
    assert {row["form_warmth"]: row["booked_calls"] for row in found["rows"]} == {
        "Hot": 2,
        "Cold": 1,
        None: 2,
    }
    for key, value in (("topics", "price"), ("decider", "yes"), ("warmth", "HOT")):
        narrow = figures(**{f"filter.form_{key}": value}).json()
        assert narrow["totals"]["booked_calls"] == 2, key
    assert refused(figures(**{"filter.form_nothing": "1"}))[::2] == (422, "filter.form_nothing")
    assert refused(figures(by="form_topics"))[::2] == (422, "by")


def test_exports_have_a_column_for_each_field(admin):
    exported = b"".join(export(admin.transaction, "post_call_forms", "json"))
    rows = [json.loads(line) for line in exported.splitlines()]
    names = ("form_warmth", "form_topics", "form_decider")
    found = {tuple(row[name] for name in names) for row in rows if row["form_remark"] == "Long"}
    assert found == {
        ("Hot", "Price, Time", True),
        ("Hot", "Time", False),
        ("Cold", None, True),
        (None, "Price", None),
    }


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "parquet"])
def test_each_format_of_an_export_takes_every_type_of_field(fmt):
    admin = make.viewer(make.organization(), "admin")
    given = {
        FieldKind.NUMBER: "12.34567",
        FieldKind.MONEY: "5.5",
        FieldKind.DATE: "2026-11-02",
        FieldKind.RATING: 4,
        FieldKind.TEXT: "=1+1",
    }
    with admin.transaction() as db:
        asked = {add_item(db, kind, {"label": str(kind)}): kind for kind in given}
        publish(db, design_in_work(db), admin)
    with as_system(admin.organization_id) as db:
        closer = make.closer(db, admin.organization_id, "Ana")
        event = make.event(db, admin.organization_id, closer, at=now() - timedelta(hours=2)).id
    with admin.transaction() as db:
        custom = {key: given[kind] for key, kind in asked.items()}
        file_form(db, event, FormAnswers(True), admin, custom=custom)
    exported = b"".join(export(admin.transaction, "post_call_forms", fmt))
    if fmt == "csv":
        [heads, cells] = csv.reader(io.StringIO(exported.decode("utf-8-sig")))
        row = dict(zip(heads, cells, strict=True))
        own = {name: value for name, value in row.items() if name.startswith("form_")}
        assert own == {
            "form_number": "12.34567",
            "form_money": "5.50",
            "form_money_currency": "USD",
            "form_date": "2026-11-02",
            "form_rating": "4",
            "form_text": "'=1+1",
        }
    assert exported


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_question_is_a_whole_heading_of_a_file_and_never_a_formula(fmt):
    admin = make.viewer(make.organization(), "admin")
    long = "What would have to be true for you to decide on this within the next two weeks"
    with admin.transaction() as db:
        for label in ("=1+1", long):
            add_item(db, FieldKind.TEXT, {"label": label})
        publish(db, design_in_work(db), admin)
    exported = b"".join(
        export(admin.transaction, "post_call_forms", fmt, written=Written(for_people=True))
    )
    if fmt == "csv":
        [heads] = csv.reader(io.StringIO(exported.decode("utf-8-sig")))
        assert {"'=1+1", long} <= {*heads}
    else:
        sheet = load_workbook(io.BytesIO(exported)).active
        heads = [(cell.value, cell.data_type) for cell in sheet[1]]
        assert {("=1+1", "s"), (long, "s")} <= {*heads}


def test_viewers_export_no_texts_of_forms(admin):
    viewer = make.viewer(admin.organization_id, "viewer")
    exported = b"".join(export(viewer.transaction, "post_call_forms", "json"))
    rows = [json.loads(line) for line in exported.splitlines()]
    assert {row["form_remark"] for row in rows} == {None}
    assert "Hot" in {row["form_warmth"] for row in rows}


def test_what_is_asked_no_more_is_still_counted_under_its_present_name(admin):
    with admin.transaction() as db:
        key = add_item(db, FieldKind.SELECT, {"label": "Budget", "options": ["Big"]})
        add_item(db, FieldKind.TEXT, {"label": "Why", "when": When("offer_made", ("yes",))})
        publish(db, design_in_work(db), admin)
    with admin.transaction() as db:
        change_item(db, key, {"label": "Means"})
        publish(db, design_in_work(db), admin)
    with admin.transaction() as db:
        leave_out(db, key)
        publish(db, design_in_work(db), admin)
    with admin.transaction() as db:
        assert custom_dimensions(db)["form_budget"].label == "Means"
