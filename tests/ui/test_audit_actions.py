"""The audit log in people's words: who did what to which booking or payment, by action."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from core.bookings.form_answers import FormAnswers
from core.metrics.exports import record_download
from core.migrations.tables import metadata
from core.money.form_filing import file_form
from core.money.merged_bookings import merge_bookings
from core.operations.audit_subjects import TELLING, place_of
from core.people.contacts import (
    ContactDetails,
    change_contact,
    create_contact,
    details_of,
)
from core.people.merging import merge_contacts
from core.people.models import Contact
from core.platform.advisory_locks import lock_books
from core.platform.database import as_system
from core.tenancy.access.audit import AuditFilter
from core.tenancy.access.audit_actions import Action, actions
from core.tenancy.access.audit_kinds import KINDS, tables_by_kind
from core.tenancy.access.view_as import start_view_as
from core.ui.panels.audit_actions import folded, thing, verb_of
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, token_of, words


@pytest.fixture
def place():
    """An admin and a closer with a booking of yesterday."""
    org = make.organization(name="Ours")
    admin = make.viewer(org, "admin", name="Ada Admin")
    ana = make.viewer(org, "sales_rep", name="Ana")
    with as_system(org) as db:
        closer = make.closer(db, org, "Ana", user_id=ana.user_id)
        event = make.event(db, org, closer, lead_name="John Doe", at=make.NOON)
        return SimpleNamespace(admin=admin, ana=ana, org=org, event=event.id)


def listed(page):
    return [(row["who"], row["what"]) for row in grid(page, "who", "what").rows]


def test_a_filed_form_is_one_line_that_names_the_booking(place):
    with place.ana.transaction() as db:
        file_form(db, place.event, FormAnswers(True, True, True, False), place.ana)
    page = opened("audit", place.admin)

    assert not page.exception
    [said] = [what for who, what in listed(page) if who == "Ana"]
    assert said.startswith("Filed the form of John Doe’s booking of Nov 4, 2026, and ")


def test_what_the_product_did_by_itself_is_counted_in_one_line(place):
    with as_system(place.org) as db:
        for number in range(4):
            make.payment(db, place.org, f"{number + 1}.00")
    automatic = [what for who, what in listed(opened("audit", place.admin)) if who == "Automatic"]

    assert len(automatic) == 1
    assert "4 payments added" in automatic[0]


def test_changes_of_one_transaction_are_one_action_and_of_two_are_two(place):
    for name in ("Funnel A", "Funnel B"):
        with place.admin.transaction() as db:
            for part in ("one", "two"):
                db.execute(
                    text("insert into app.sources (organization_id, name) values (:org, :name)"),
                    {"org": place.org, "name": f"{name} {part}"},
                )
    done = [what for who, what in listed(opened("audit", place.admin)) if who == "Ada Admin"]

    assert done == [
        "Added source Funnel B one, and 1 more",
        "Added source Funnel A one, and 1 more",
    ]


def test_an_action_opens_into_its_changes(place):
    with place.admin.transaction() as db:
        db.execute(text("update app.organizations set name = 'Ours AS'"))
    page = opened("audit", place.admin, who="")
    key = grid(page, "who", "what").rows[0]
    assert key["what"].startswith("Changed General settings: Name")

    with place.admin.transaction() as db:
        [first, *_] = actions(db, AuditFilter(), TELLING, limit=1)
    assert [line.changes for line in first.lines] == [{"name": ["Ours", "Ours AS"]}]


def test_a_member_whose_account_was_viewed_is_named(place):
    start_view_as(token_of(place.admin), place.admin, SimpleNamespace(user_id=place.ana.user_id))
    assert ("Ada Admin", "Started viewing as: Ana") in listed(opened("audit", place.admin))


def did(place):
    return [what for who, what in listed(opened("audit", place.admin)) if who == "Ada Admin"]


def test_an_action_on_contacts_is_known_by_what_was_meant(place):
    before = ContactDetails(name="Jo Dahl", phones=("+12125550100", "+12125550101"))
    with place.admin.transaction() as db:
        jo_id = create_contact(db, before, place.admin).id
        twin_id = create_contact(db, ContactDetails(name="J. Dahl"), place.admin).id
    with place.admin.transaction() as db:
        before = details_of(db, db.get_one(Contact, (place.org, jo_id)))
        after = replace(before, phones=(before.phones[0], "+12125550111"))
        change_contact(db, jo_id, before, after, place.admin)
    with place.admin.transaction() as db:
        merge_contacts(db, jo_id, twin_id, place.admin)

    assert did(place)[:2] == [
        "Merged contact J. Dahl into Jo Dahl",
        "Changed the phone numbers of Jo Dahl",
    ]


def test_a_merge_of_bookings_is_known_by_both(place):
    with as_system(place.org) as db:
        twin = make.event(db, place.org, lead_name="J. Dahl").id
    with place.admin.transaction() as db:
        merge_bookings(db, place.event, twin, place.admin)

    [said, *_] = did(place)
    assert said.startswith("Merged J. Dahl’s booking of")


def test_a_setting_a_match_and_a_download_are_known_by_their_own_words(place):
    with as_system(place.org) as db:
        paid = make.payment(db, place.org, "250", customer_name="Lou Adler").id
    with place.admin.transaction() as db:
        db.execute(text("update app.organizations set locale = 'da_DK'"))
    with place.admin.transaction() as db:
        record_download(db, "payout-payments", "csv", {"rows": 3})
    with place.admin.transaction() as db:
        lock_books(db)
        db.execute(
            text("update app.payments set event_id = :event where id = :id"),
            {"event": place.event, "id": paid},
        )

    assert did(place)[:3] == [
        "Matched Lou Adler’s payment of 250,00\xa0US$ to a booking",
        "Downloaded payments of a payout",
        "Changed General settings: Numbers and dates",
    ]


def test_older_actions_follow_without_a_gap(place):
    for number in range(55):
        with place.admin.transaction() as db:
            db.execute(
                text("insert into app.sources (organization_id, name) values (:org, :name)"),
                {"org": place.org, "name": f"Source {number:02}"},
            )
    page = opened("audit", place.admin, table="Sources")
    seen = listed(page)
    with browser_of(place.admin):
        next(button for button in page.button if button.label == "Older →").click().run()
    seen += listed(page)

    assert not page.exception
    assert [what for _, what in seen] == [
        f"Added source Source {number:02}" for number in reversed(range(55))
    ]


def test_nothing_that_fits_is_said(place):
    page = opened("audit", place.admin, table="Payouts")
    assert any("Nothing was changed here" in line for line in words(page))


@pytest.mark.parametrize(
    ("table", "operation", "changes", "verb"),
    [
        ("payout_snapshots", "update", {"state": ["draft", "approved"]}, "Approved"),
        ("payout_snapshots", "update", {"state": ["approved", "paid"]}, "Marked as paid:"),
        ("payout_snapshots", "insert", {}, "Drafted"),
        ("invitations", "update", {"revoked_at": [None, "2026-01-01"]}, "Revoked"),
        ("events", "delete", {}, "Deleted"),
    ],
)
def test_what_was_done_is_a_verb(table, operation, changes, verb):
    assert verb_of(table, operation, changes) == verb


def test_one_row_of_a_table_has_a_singular():
    assert [thing(each) for each in ("closers", "api_keys", "payout_snapshots")] == [
        "closer",
        "API key",
        "payout",
    ]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Bookings and forms", {"Changed John Doe’s booking of Nov 4, 2026"}),
        ("Settings and lists", {"Added source Funnel"}),
        ("Downloads", {"Downloaded payments: 3 rows"}),
        ("Payments and payouts", set()),
    ],
)
def test_actions_are_narrowed_to_a_kind_and_to_people(place, kind, said):
    with place.admin.transaction() as db:
        lock_books(db)
        db.execute(
            text(
                "update app.events set lead_name = 'John Doe', call_status = 'completed'"
                " where id = :id"
            ),
            {"id": place.event},
        )
    with place.admin.transaction() as db:
        db.execute(
            text("insert into app.sources (organization_id, name) values (:org, 'Funnel')"),
            {"org": place.org},
        )
    with place.admin.transaction() as db:
        record_download(db, "payments", "csv", {"rows": 3})
    page = opened("audit", place.admin, kind=kind, by="By people only")
    assert not page.exception
    found = {what for _, what in listed(page)} if said else set()
    assert found == said
    if not said:
        assert any("Nothing was changed here" in line for line in words(page))


def test_every_audited_table_is_of_one_kind():
    tables = [name for names in tables_by_kind().values() for name in names]
    audited = {each.name for each in metadata.sorted_tables if each.info.get("audit")}
    assert (len(tables), set(tables)) == (len(audited), audited)
    assert set(tables_by_kind()) <= set(KINDS)


def test_a_picked_action_leads_to_its_record(place):
    with place.ana.transaction() as db:
        file_form(db, place.event, FormAnswers(True, True, True, False), place.ana)
        form = db.scalar(text("select id from app.post_call_forms"))
    with place.admin.transaction() as db:
        assert place_of(db, "post_call_forms", str(form)) == ("event", str(place.event))
        assert place_of(db, "events", str(place.event)) == ("event", str(place.event))
        for table, row_id in (("events", str(form)), ("sources", str(form)), ("events", "")):
            assert place_of(db, table, row_id) is None


def test_what_the_product_did_by_itself_between_two_people_is_one_line():
    def action(key, at, **counts):
        return Action(key, at, at, {(of, "update"): n for of, n in counts.items()}, [], None)

    hours = [make.NOON - timedelta(hours=hour) for hour in range(4)]
    found = folded(
        [
            action("auto 1", hours[0], events=2),
            action("auto 2", hours[1], events=1, payments=4),
            action("ana 7", hours[2], leads=1),
            action("auto 3", hours[3], events=1),
        ]
    )
    assert [(each.key, each.began_at, each.counts) for each in found] == [
        ("auto 1", hours[1], {("events", "update"): 3, ("payments", "update"): 4}),
        ("ana 7", hours[2], {("leads", "update"): 1}),
        ("auto 3", hours[3], {("events", "update"): 1}),
    ]
