"""The screen of the exports: what people call the columns, which of them leave, and the first
rows.
"""

import csv
import io

import pytest
from sqlalchemy import select

from core.metrics.export_tables import EXPORTS, GROUPS
from core.metrics.exports import Written, export, record_download
from core.platform.database import as_system
from core.platform.models import AuditLog
from core.platform.spreadsheets import DECIMAL_COMMA
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, words


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
    headings = [table.heading(column) for column in table.names]
    assert len(set(headings)) == len(headings)
    assert all(heading[0].isupper() and "_" not in heading for heading in headings)
    assert {table.group(column) for column in table.names} <= set(GROUPS)


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
