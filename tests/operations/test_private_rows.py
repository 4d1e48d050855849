"""What only one member reads is handed out to the person whom it is about, and erased."""

import json

import pytest
from sqlalchemy import text

from core.bookings.models import Event, PcfDraft
from core.operations.person_erasure import erase_person
from core.operations.personal_data import admins_only, find_person
from core.operations.personal_export import export_person
from core.people.contacts import ContactDetails, create_contact
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.list_views import rename_view, save_view, saved_views
from core.tenancy.access.models import Role
from tests import factories as make
from tests.operations.petronella import EMAIL, NAME
from tests.traces import traces

UNKNOWN = "nobody.yet@example.com"


@pytest.fixture
def rep(case):
    return make.viewer(case.org, Role.SALES_REP)


def saved(viewer, *names, **address):
    with viewer.transaction() as db:
        return [save_view(db, "bookings", name, address, viewer, shared=False) for name in names]


def handed_out(viewer, email):
    return json.loads(b"".join(export_person(viewer.transaction, email)))


def test_a_members_own_views_and_drafts_about_somebody_are_handed_out(case, rep):
    saved(rep, f"Calls of {NAME}", "Nothing of hers")
    saved(rep, "By filter", closer=[EMAIL])
    with rep.transaction() as db:
        make_draft(db, case, rep)

    given = handed_out(case.admin, EMAIL)
    assert sorted(each["name"] for each in given["list_views"]) == [
        "By filter",
        f"Calls of {NAME}",
    ]
    assert [each["answers"] for each in given["drafts"]] == [{"notes": "Hers"}]
    other = make.viewer(make.organization(), Role.ADMIN)
    with pytest.raises(NotFound):
        handed_out(other, EMAIL)


def make_draft(db, case, rep):
    with case.admin.transaction() as all_:
        event_id = all_.query(Event.id).filter(Event.lead_name == NAME).limit(1).scalar()
    db.add(
        PcfDraft(
            organization_id=case.org,
            user_id=rep.user_id,
            event_id=event_id,
            answers={"notes": "Hers"},
        )
    )


def test_somebody_whom_only_a_private_view_mentions_is_found_and_erased(case, rep):
    saved(rep, f"Ask {UNKNOWN}")
    with case.admin.transaction() as db:
        assert not find_person(db, UNKNOWN).is_known
        erase_person(db, UNKNOWN, typed=UNKNOWN)
    assert traces(case.org, [UNKNOWN]) == set()
    with case.admin.transaction() as db:
        assert find_person(db, UNKNOWN).erased


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_below_admin_reads_what_is_anothers(case, rep, role):
    saved(rep, f"Calls of {NAME}")
    viewer = make.viewer(case.org, role)
    asked = text("select app.private_rows_about('list_views', '{}', array[:email], array[:name])")
    refused = pytest.raises(NotAllowed)
    with refused, viewer.transaction() as db, admins_only():
        db.execute(asked, {"email": EMAIL, "name": NAME.lower()})


def test_views_whose_names_become_the_same_by_an_erasure_are_all_kept(case, rep):
    saved(rep, NAME, NAME.upper(), EMAIL, EMAIL.upper(), "Mine")
    case.erase()
    with rep.transaction() as db:
        views = saved_views(db, "bookings", rep)
        assert len(views) == 5
        erased = next(each for each in views if each.name != "Mine")
        rename_view(db, erased.id, "Hers")


def test_a_name_with_quotation_marks_goes_from_documents_and_lists_too(case):
    name = 'Quilla "Quill" Quist'
    with case.admin.transaction() as db:
        create_contact(db, ContactDetails(name, ("quilla@example.com",)), case.admin)
        friend = ContactDetails(
            "Friend", tags=(f"came by {name}",), custom_fields={"came by": name}
        )
        create_contact(db, friend, case.admin)
    saved(case.admin, f"Of {name}", closer=[name])
    with case.admin.transaction() as db:
        erase_person(db, "quilla@example.com", typed="quilla@example.com")
    assert traces(case.org, ["quill"]) == set()
