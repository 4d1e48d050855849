"""The screen of the exports: what people call the columns, which of them leave, and the first
rows.
"""

import csv
import io

import pytest
from sqlalchemy import select

from core.bookings.models import CallStatus, EventOutcome
from core.metrics.export_columns import GROUPS
from core.metrics.export_queries import Written
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import export, record_download
from core.platform.database import as_system
from core.platform.models import AuditLog
from core.platform.spreadsheets import DECIMAL_COMMA
from core.tenancy.access.list_views import save_view
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, sent, words


@pytest.fixture(scope="module")
def admin(database_url):
    """An admin in Denmark, with eleven payments."""
    made = make.viewer(make.organization(locale="da_DK"))
    with as_system(made.organization_id) as db:
        for number in range(11):
            make.payment(db, made.organization_id, f"{number + 1}.5", customer_name="Cleo")
    return made


EVER = {"table": "Payments", "period": "Last 365 days"}


def address_on(page):
    return page.get("link_button")[0].proto.url


@pytest.mark.parametrize("name", EXPORTS)
def test_every_column_has_a_heading_of_its_own_and_a_group(name):
    table = EXPORTS[name]
    headings = [table.heading(column) for column in table.names_for_people]
    assert len(set(headings)) == len(headings)
    assert all(heading[0].isupper() and "_" not in heading for heading in headings)
    assert {table.group(column) for column in table.names_for_people} <= set(GROUPS)


@pytest.mark.parametrize("name", EXPORTS)
def test_people_read_first_what_they_know_and_the_ids_last(name):
    table = EXPORTS[name]
    names = table.names_for_people
    assert set(table.names) <= set(names)
    assert len(set(names)) == len(names)
    of_ids = [table.group(each) == "IDs" for each in names]
    assert not of_ids[0]
    assert of_ids == sorted(of_ids)
    assert table.holds.startswith("One row for each ")


@pytest.mark.parametrize("name", EXPORTS)
def test_every_word_of_the_code_in_an_export_has_a_word_for_people(name):
    table = EXPORTS[name]
    for column in table.names:
        for said in (table.words(column) or {}).values():
            assert said[:1].isupper(), (column, said)
            assert "_" not in said, (column, said)


def as_people_read(viewer, name, columns=None):
    """The rows of a CSV for people."""
    written = Written(for_people=True, timezone=viewer.timezone)
    made = b"".join(export(viewer.transaction, name, "csv", columns=columns, written=written))
    return list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"))))


def test_a_file_for_people_has_the_words_of_the_screens():
    admin = make.viewer(make.organization(timezone="America/New_York"))
    org = admin.organization_id
    with as_system(org) as db:
        at = make.NOON.replace(microsecond=123456)
        event = make.event(db, org, make.closer(db, org, "Ana"), at=at, lead_name="Cleo")
        event.provider_status, event.call_status = CallStatus.SCHEDULED, CallStatus.NO_SHOW
        event.event_outcome = EventOutcome.NO_SHOW
        make.payment(db, org, "12.5", at=at, processor="stripe", disputed=True)
        make.payment(db, org, "13", at=at, customer_name="Dora")
    [booking] = as_people_read(admin, "events")
    assert list(booking)[:3] == ["Meeting begins (America/New_York)", "Lead", "Closer"]
    assert list(booking)[-1].endswith("ID")
    facts = {
        "Meeting begins (America/New_York)": "2026-11-04T07:00:00-05:00",
        "Closer": "Ana",
        "Booking status": "No-show",
        "Outcome": "No-show",
        "Form filed": "No",
        "Booked through": "Entered by hand",
    }
    assert {each: booking[each] for each in facts} == facts
    paid = as_people_read(admin, "payments")
    assert {(row["Processor"], row["Disputed"], row["Amount"]) for row in paid} == {
        ("Stripe", "Yes", "12.50"),
        ("Entered by hand", "No", "13.00"),
    }
    assert {row["Currency"] for row in paid} == {"USD"}
    assert {row["Attribution method"] for row in paid} == {"Not matched"}


def test_a_file_for_people_names_what_a_row_refers_to():
    admin = make.viewer(make.organization())
    with as_system(admin.organization_id) as db:
        closer = make.closer(db, admin.organization_id, "Ana")
        event = make.event(db, admin.organization_id, closer, email="cleo@example.com")
        make.payment(
            db,
            admin.organization_id,
            "12.5",
            email="cleo@example.com",
            event_id=event.id,
            closer_id=closer.id,
        )
    [paid] = as_people_read(admin, "payments", ["closer_name", "source_name", "closer_id"])
    assert (paid["Closer"], paid["Source"]) == ("Ana", "")
    assert paid["Closer ID"]


def test_a_list_without_dates_is_in_the_order_of_its_names():
    admin = make.viewer(make.organization())
    with as_system(admin.organization_id) as db:
        for name in ("Cy", "Ana", "Bo"):
            make.closer(db, admin.organization_id, name)
    assert [row["Name"] for row in as_people_read(admin, "closers")] == ["Ana", "Bo", "Cy"]


def test_what_was_taken_last_is_shown_to_admins():
    admin = make.viewer(make.organization(), name="Ada Admin")
    with admin.transaction() as db:
        record_download(db, "payments", "csv", {"rows": 11})
    page = opened("exports", admin)
    [line] = grid(page, "who", "format").rows
    assert (line["table"], line["who"], line["rows"], line["format"]) == (
        "Payments",
        "Ada Admin",
        "11",
        "CSV",
    )
    manager = opened("exports", make.viewer(admin.organization_id, "manager"))
    assert "Last exports" not in [each.value for each in manager.subheader]


def test_a_selection_that_was_saved_is_a_link_on_the_page(admin):
    with admin.transaction() as db:
        save_view(db, "exports", "Month for the bank", {"table": ["Payments"]}, admin, shared=True)
    assert "Month for the bank" in sent(opened("exports", admin))


def test_the_first_ten_rows_are_shown_under_the_headings_of_people(admin):
    page = opened("exports", admin, **EVER)

    assert not page.exception
    shown = grid(page, "customer_name")
    assert len(shown.rows) == 10
    assert {"Customer", "Net revenue", "Booking ID"} <= {
        column["label"] for column in shown.data["columns"]
    }
    assert any("Preview: the first 10 of 11 rows" in line for line in words(page))


def test_columns_are_chosen_by_group(admin):
    page = opened("exports", admin, **EVER)
    [ids] = [each for each in page.button_group if each.label == "IDs"]
    with browser_of(admin):
        ids.set_value([]).run()

    assert not page.exception
    names = grid(page, "customer_name").names
    assert "event_id" not in names
    assert f"columns={'%2C'.join(names)}" in address_on(page)


def test_the_file_of_a_country_with_a_decimal_comma_has_its_signs(admin):
    page = opened("exports", admin, format="CSV for Excel (;)", **EVER)
    assert "decimal=comma" in address_on(page)
    assert "headings=people" in address_on(page)
    made = export(
        admin.transaction,
        "payments",
        "csv",
        columns=["amount", "payment_date", "customer_name"],
        written=Written(for_people=True, dialect=DECIMAL_COMMA),
    )
    lines = list(csv.reader(io.StringIO(b"".join(made).decode("utf-8-sig")), delimiter=";"))
    assert lines[0] == ["Amount", "Payment date (UTC)", "Customer"]
    assert {line[0] for line in lines[1:]} == {f"{number + 1},50" for number in range(11)}


def test_an_export_is_recorded_with_its_rows_and_columns(admin):
    list(export(admin.transaction, "payments", "xlsx", columns=["amount"]))
    with admin.transaction() as db:
        line = (
            db.query(AuditLog)
            .where(AuditLog.table_name == "payments", AuditLog.operation == "export")
            .order_by(AuditLog.at.desc())
            .first()
        )
        assert line.changes == {"format": "xlsx", "rows": 11, "columns": "amount"}
    page = opened("audit", admin, view="Every change", operation="Exported", table="Payments")
    assert "Columns: amount; Format: xlsx; Rows: 11" in grid(page, "changes").column("changes")


def test_an_export_of_many_rows_has_a_name_of_its_own_in_the_audit_log(database_url):
    admin = make.viewer(make.organization())
    with admin.transaction() as db:
        for rows in (9_999, 10_000):
            record_download(db, "payments", "csv", {"rows": rows})
    with admin.transaction() as db:
        found = db.scalars(select(AuditLog.operation).order_by(AuditLog.at)).all()
    assert found[-2:] == ["export", "mass_export"]
