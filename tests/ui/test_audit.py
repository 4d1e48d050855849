"""The audit log on screen: changes in words, by whom, filtered by the address, in pages, and only
of one's own organisation.
"""

from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.bookings.models import Event
from core.operations.organizations import purge_organizations
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_system
from core.providers.connections import create_connection
from core.tenancy.access.audit import ORDERED
from core.tenancy.access.models import Role
from core.tenancy.access.platform_admin import delete_organization
from core.tenancy.identity.passwords import hash_password
from core.ui.panels.audit import changes_in_words
from core.ui.parts.tables import PAGE
from tests import factories as make
from tests.flow import SECRET
from tests.ports import owner
from tests.tenancy.factors import PASSWORD, with_app
from tests.tenancy.purging import past_grace
from tests.ui.grids import all_rows, grid
from tests.ui.screens import browser_of, opened, sent, words
from tests.ui.teams import super_admin


@pytest.fixture
def place():
    """An organisation with an admin, and a call whose status that admin has changed."""
    admin = make.viewer(make.organization(name="Ours"), "admin", name="Ada Admin")
    with as_system(admin.organization_id) as db:
        event = make.event(
            db, admin.organization_id, make.closer(db, admin.organization_id, "Ana")
        ).id
    with admin.transaction() as db:
        lock_books(db)
        db.get_one(Event, (admin.organization_id, event)).call_status = "completed"
    return SimpleNamespace(admin=admin, event=event, org=admin.organization_id)


def lines(page):
    return grid(page, "who", "what", "changes", "row").rows


def test_a_change_reads_as_who_did_what_from_which_to_which(place):
    page = opened("audit", place.admin, view="Every change", operation="Changed")

    assert not page.exception
    [line] = lines(page)
    assert (line["who"], line["what"], line["changes"]) == (
        "Ada Admin",
        "Bookings · changed",
        "Booking status: scheduled → completed",
    )
    assert line["row"] == str(place.event)


def test_people_and_things_are_called_by_name(place):
    [line] = lines(
        opened("audit", place.admin, view="Every change", table="Bookings", operation="Added")
    )

    assert line["who"] == "Automatic"
    assert "Closer: Ana" in line["changes"]
    assert "Booking status: scheduled" in line["changes"]
    with place.admin.transaction() as db:
        closer = db.get_one(Event, (place.org, place.event)).closer_id
    assert str(closer) not in line["changes"]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"who": "Automatic"}, {"Automatic"}),
        ({"who": "ada"}, {"Ada Admin", "Automatic"}),
        ({"table": "Payments"}, set()),
        ({"operation": "Deleted"}, set()),
        ({"period": "Yesterday"}, set()),
        ({"row": "event"}, {"Ada Admin", "Automatic"}),
        ({"row": str(uuid4())}, set()),
    ],
)
def test_the_address_narrows_the_log(place, query, left):
    query = {name: str(place.event) if value == "event" else value for name, value in query.items()}
    page = opened("audit", place.admin, view="Every change", **query)

    assert not page.exception
    if not left:
        assert any("Nothing was changed here" in line for line in words(page))
    else:
        assert {line["who"] for line in lines(page)} == left


def test_one_person_is_chosen_by_name(place):
    page = opened("audit", place.admin, view="Every change")
    with browser_of(place.admin):
        box = next(box for box in page.selectbox if box.label == "Person")
        box.set_value(
            next(option for option in box.options if option.startswith("Ada Admin"))
        ).run()

    assert {line["who"] for line in lines(page)} == {"Ada Admin"}


def test_older_lines_follow_page_by_page_without_a_gap_in_every_order(place):
    with as_system(place.org) as db:
        db.execute(
            text("""
            insert into app.sources (organization_id, name) select :org, 'Source ' || n
              from generate_series(1, :rows) n
        """),
            {"org": place.org, "rows": 2 * PAGE + 10},
        )

    def rows(page, order):
        address = {"audit-lines.page": str(page), "audit-lines.sort": order}
        opened_page = opened("audit", place.admin, view="Every change", table="Sources", **address)
        assert any(f"{2 * PAGE + 10} lines" in line for line in words(opened_page))
        return [line["row"] for line in lines(opened_page)]

    for order in ("", *ORDERED):
        found = [row for page in (1, 2, 3) for row in rows(page, order)]
        assert len(found) == len(set(found)) == 2 * PAGE + 10
    assert rows(1, "row") == sorted(found)[:PAGE]


def test_a_secret_stands_nowhere_in_the_log(place):
    with place.admin.transaction() as db:
        create_connection(db, "stripe", "Main", SECRET)
    page = opened("audit", place.admin, view="Every change", table="Secrets")

    [line] = lines(page)
    assert "Sealed" not in line["changes"]
    assert SECRET not in sent(page)


def test_an_admin_reads_their_own_organisations_log_and_a_super_admin_every_one_when_asked(place):
    elsewhere = make.viewer(make.organization(name="Elsewhere Ltd"), "admin", name="Eve Elsewhere")
    with elsewhere.transaction() as db:
        db.execute(text("update app.organizations set name = 'Elsewhere AS'"))
    boss = super_admin(place.admin)

    for person, address, sees in (
        (place.admin, {}, False),
        (place.admin, {"everywhere": "true"}, False),
        (boss, {}, False),
        (boss, {"everywhere": "true"}, True),
    ):
        page = opened(
            "audit",
            person,
            view="Every change",
            table="Organizations",
            operation="Changed",
            **address,
        )
        assert not page.exception
        shown = str(all_rows(page))
        assert ("Elsewhere AS" in shown, "Eve Elsewhere" in shown) == (sees, sees)
        who = next(box for box in page.selectbox if box.label == "Person").options
        assert any(option.startswith("Eve Elsewhere") for option in who) == sees


def test_whoever_left_is_called_a_former_member(place):
    with owner() as db:
        db.execute(
            text("delete from app.organization_members where user_id = :user"),
            {"user": place.admin.user_id},
        )
    other = make.viewer(place.org, Role.OWNER)

    [line] = lines(
        opened("audit", other, view="Every change", table="Bookings", operation="Changed")
    )
    assert line["who"] == "Former member"


def test_the_download_is_the_period_of_the_screen(place):
    page = opened("audit", place.admin, view="Every change", period="Today")
    day = (now() + timedelta(hours=1)).date()
    assert page.get("link_button")[0].proto.url == (
        f"/exports/audit_logs?format=csv&start={day}&end={day + timedelta(days=1)}"
        f"&headings=people&organization={place.org}"
    )
    assert "audit_logs" in sent(opened("exports", place.admin, table="Audit logs"))
    manager = opened("exports", make.viewer(place.org, "manager"))
    assert (
        "Audit logs" not in next(box for box in manager.selectbox if box.label == "Table").options
    )


@pytest.mark.parametrize(
    ("operation", "changes", "said"),
    [
        (
            "update",
            {"call_status": ["scheduled", "completed"]},
            ["Booking status: scheduled → completed"],
        ),
        (
            "update",
            {"active": [True, False], "note": [None, ""]},
            ["Active: yes → no", "Note: – → –"],
        ),
        (
            "insert",
            {
                "id": [None, "x"],
                "email": [None, "A@b"],
                "email_normalized": [None, "a@b"],
                "scopes": [None, ["read", "write"]],
            },
            ["Email: A@b", "Scopes: read, write"],
        ),
        (
            "delete",
            {"at": ["2020-01-01T12:00:00+00:00", None], "email_normalized": ["a@b", None]},
            ["At: Wed 1 Jan 2020 13:00", "Email: a@b"],
        ),
        ("delete", {"answers": [{"reason": "none"}, None]}, ['Answers: {"reason": "none"}']),
        (
            "update",
            {"closer_user_id": [None, "11111111-1111-1111-1111-111111111111"]},
            ["Closer user: – → Ana"],
        ),
        ("update", {"token_hash": ["…", "…"]}, ["Token hash: changed"]),
        ("insert", {"token_hash": [None, "…"], "role": [None, "sales_rep"]}, ["Role: sales rep"]),
        ("update", {"note": ["", "x" * 300]}, [f"Note: – → {'x' * 200} …"]),
        (
            "update",
            {"scheduled_at": ["2020-01-01T12:00:00+00:00", "no date"]},
            ["Scheduled at: Wed 1 Jan 2020 13:00 → no date"],
        ),
        ("export", {"format": "csv"}, ["Format: csv"]),
    ],
)
def test_changes_are_told_column_by_column(operation, changes, said):
    names = {"11111111-1111-1111-1111-111111111111": "Ana"}
    assert changes_in_words(operation, changes, names, "Europe/Copenhagen") == said


def test_what_happened_to_a_members_account_says_whose_it_was(place):
    person = make.viewer(
        place.org, "viewer", name="Vera Viewer", password_hash=hash_password(PASSWORD)
    )
    with_app(person)
    [line] = lines(
        opened("audit", place.admin, view="Every change", operation="Second factor switched on")
    )

    assert (line["who"], line["what"], line["changes"]) == (
        "Vera Viewer",
        "Users · second factor switched on",
        "Vera Viewer",
    )
    assert line["row"] == str(person.user_id)


def test_what_became_of_an_organisation_that_is_gone_is_in_words(place):
    boss = super_admin(place.admin)
    gone = make.organization(name="Gone for good")
    make.viewer(gone, "owner", name="Olga Owner")
    with boss.transaction() as db:
        delete_organization(db, gone, name="Gone for good", typed="Gone for good")
    past_grace(gone)
    purge_organizations()
    page = opened(
        "audit", boss, view="Every change", everywhere="true", operation="Permanently deleted"
    )

    assert not page.exception
    [line] = [each for each in lines(page) if each["row"] == str(gone)]
    assert line["what"] == "Organisations · permanently deleted"
    assert line["changes"].startswith("Name: Gone for good → –; Rows: {")
