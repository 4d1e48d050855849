"""Saved views of lists: own, shared, and the one that a list opens with; and the columns that each
person has chosen.
"""

from uuid import UUID

import pytest
from sqlalchemy import select

from core.bookings.designs import add_item, design_in_work, publish
from core.people.models import FieldKind
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.list_views import (
    choose_columns,
    choose_default,
    delete_view,
    list_choice,
    rename_view,
    replace_view,
    save_view,
    saved_views,
    share_view,
)
from core.tenancy.access.models import ListView, OrganizationMember
from core.tenancy.access.view_as import start_view_as
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, sent, token_of, words

COLUMNS = {"bookings.columns": ["lead_name,call_status"], "bookings.sort": ["-lead_name"]}


class Crew:
    """An organisation with an admin and two reps."""

    def __init__(self):
        org = make.organization()
        self.admin, self.ana, self.bo = (
            make.viewer(org, role, name=name)
            for role, name in (("admin", "Ada"), ("manager", "Ana"), ("manager", "Bo"))
        )
        with as_system(org) as db:
            for name in ("Cleo", "Dora"):
                make.event(db, org, lead_name=name)

    def saved(self, viewer, name="Mine", address=COLUMNS, *, shared=False) -> UUID:
        with viewer.transaction() as db:
            return save_view(db, "bookings", name, address, viewer, shared=shared)

    def names(self, viewer):
        with viewer.transaction() as db:
            return [each.name for each in saved_views(db, "bookings", viewer)]


@pytest.fixture
def crew(database_url):
    return Crew()


def test_a_view_is_read_by_its_maker_and_a_shared_one_by_everybody_of_the_organisation(crew):
    crew.saved(crew.ana, "Mine")
    crew.saved(crew.ana, "Ours", shared=True)

    assert crew.names(crew.ana) == ["Mine", "Ours"]
    assert crew.names(crew.bo) == crew.names(crew.admin) == ["Ours"]
    assert crew.names(make.viewer(make.organization())) == []
    with crew.bo.transaction() as db:
        [view] = saved_views(db, "bookings", crew.bo)
        assert (view.maker, view.may_change) == ("Ana", False)
        assert saved_views(db, "payments", crew.bo) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda db, view: rename_view(db, view, f"Other {view}"),
        lambda db, view: replace_view(db, view, {}),
        delete_view,
    ],
    ids=["rename", "replace", "delete"],
)
def test_a_shared_view_is_changed_by_its_maker_and_admins_only(crew, change):
    shared, own = crew.saved(crew.ana, "Ours", shared=True), crew.saved(crew.ana, "Mine")
    with pytest.raises(NotAllowed), crew.bo.transaction() as db:
        change(db, shared)
    for other in (crew.bo, crew.admin):
        with pytest.raises(NotFound), other.transaction() as db:
            change(db, own)
    with pytest.raises(NotAllowed), crew.admin.transaction() as db:
        share_view(db, shared, crew.admin, shared=False)
    with crew.admin.transaction() as db:
        change(db, shared)
    with crew.ana.transaction() as db:
        change(db, own)


def test_a_name_is_needed_and_nobody_has_two_views_of_one_name(crew):
    crew.saved(crew.ana, " My  week ")
    assert crew.names(crew.ana) == ["My week"]
    crew.saved(crew.bo, "My week")
    with pytest.raises(Conflict, match="“My week” already"):
        crew.saved(crew.ana, "My week")
    for nonsense in ("", "  ", "\0", "x" * 201):
        with pytest.raises(InvalidInput):
            crew.saved(crew.ana, nonsense)
    with pytest.raises(InvalidInput, match="too many filters"):
        crew.saved(crew.ana, "Long", {"closer": ["x" * 501]})


def test_a_link_to_a_view_opens_what_it_holds(crew):
    view = crew.saved(crew.ana, shared=True)
    page = opened("events", crew.bo, open=str(view))

    assert not page.exception
    assert grid(page, "lead_name").names == ["lead_name", "call_status"]
    assert grid(page, "lead_name").column("lead_name") == ["Dora", "Cleo"]
    assert page.query_params["saved"] == str(view)
    gone = opened("events", crew.bo, open=str(crew.saved(crew.ana, "Private")))
    assert any("not there any more" in line for line in words(gone))


def test_a_view_that_names_itself_opens_all_the_same(crew):
    view = crew.saved(crew.ana, address=COLUMNS | {"saved": ["all"], "open": ["x"]})
    page = opened("events", crew.ana, open=str(view))
    assert not page.exception
    assert page.query_params["saved"] == str(view)


def test_a_view_opens_with_nothing_that_the_screen_does_not_know(crew):
    foreign = {"lead": ["Cleo"], "organization": ["x"], "payments.columns": ["amount"]}
    view = crew.saved(crew.ana, address=COLUMNS | foreign)
    page = opened("events", crew.ana, open=str(view))
    assert not page.exception
    assert set(page.query_params) == {"bookings.columns", "bookings.sort", "saved"}


def test_nobody_saves_more_views_of_a_list_than_they_can_look_through(crew):
    for number in range(50):
        crew.saved(crew.ana, f"View {number}")
    with pytest.raises(InvalidInput, match="50 saved views of this list already; delete one"):
        crew.saved(crew.ana, "One more")
    crew.saved(crew.bo, "One more")
    with crew.ana.transaction() as db:
        save_view(db, "payments", "One more", {}, crew.ana, shared=False)
        delete_view(db, saved_views(db, "bookings", crew.ana)[0].id)
    crew.saved(crew.ana, "One more")


def test_a_list_opens_with_the_readers_own_default_when_its_address_is_bare(crew):
    view = crew.saved(crew.ana, shared=True)
    with crew.bo.transaction() as db:
        choose_default(db, "bookings", view, crew.bo)

    def names(viewer, **address):
        return grid(opened("events", viewer, **address), "lead_name").names

    assert names(crew.bo) == ["lead_name", "call_status"]
    assert len(names(crew.bo, saved="all")) > 2
    assert len(names(crew.bo, period="Last 30 days", search="Cleo")) > 2
    assert len(names(crew.ana)) > 2
    narrowed = opened("events", crew.bo, period="Last 365 days")
    assert narrowed.query_params["saved"] == "all"
    with crew.ana.transaction() as db:
        delete_view(db, view)
    assert len(names(crew.bo)) > 2


def test_what_is_shown_is_saved_from_the_screen_without_what_was_searched_for(crew):
    address = {"period": "Last 365 days", "search": "Cleo", "bookings.sort": "lead_name"}
    foreign = {"lead": "Cleo", "payments.sort": "amount", "bookings.page": "2", "to\nken": "x"}
    foreign["lead_email"] = "cleo@example.com"  # begins as a question of the organisation's own may
    with crew.admin.transaction() as db:
        add_item(db, FieldKind.SELECT, {"label": "Budget", "options": ["Big", "Small"]})
        publish(db, design_in_work(db), crew.admin)
    address["form_budget"] = "Big"
    page = opened("events", crew.ana, **address, **foreign)
    with browser_of(crew.ana):
        next(each for each in page.text_input if each.key == "bookings name").input("Year")
        next(each for each in page.checkbox if each.key == "bookings shared").check()
        next(each for each in page.button if each.label == "Save view").click().run()

    assert not page.exception
    with as_system(crew.ana.organization_id) as db:
        [view] = db.scalars(select(ListView))
    assert (view.name, view.shared, view.user_id) == ("Year", True, crew.ana.user_id)
    assert view.address == {name: [value] for name, value in address.items() if name != "search"}


def test_the_columns_that_a_person_has_chosen_stay_theirs_and_the_address_wins(crew):
    with crew.ana.transaction() as db:
        choose_columns(db, "bookings", ["call_status", "lead_name"], crew.ana)
        choose_columns(db, "payments", ["amount"], crew.ana)

    def names(viewer, **address):
        return grid(opened("events", viewer, saved="all", **address), "lead_name").names

    assert names(crew.ana) == ["call_status", "lead_name"]
    assert names(crew.ana, **{"bookings.columns": "lead_name,source"}) == ["lead_name", "source"]
    assert len(names(crew.bo)) > 2
    with crew.ana.transaction() as db:
        choose_columns(db, "bookings", [], crew.ana)
    assert len(names(crew.ana)) > 2


def test_columns_chosen_in_the_table_are_stored_but_not_while_looking_as_somebody(crew):
    def chosen(viewer):
        with viewer.transaction() as db:
            choice = list_choice(db, "bookings", viewer)
            return choice.columns if choice else []

    page = opened("events", crew.ana, saved="all")
    with browser_of(crew.ana):
        page.session_state["bookings columns chosen"] = ["lead_name"]
        page.run()
    assert chosen(crew.ana) == ["lead_name"]
    token = token_of(crew.admin)
    bo = OrganizationMember(organization_id=crew.bo.organization_id, user_id=crew.bo.user_id)
    start_view_as(token, crew.admin, bo)
    page = opened("events", token, saved="all")
    with browser_of(token):
        page.session_state["bookings columns chosen"] = ["lead_name"]
        page.run()
    assert not page.exception
    assert chosen(crew.bo) == []


def test_the_control_renames_shares_deletes_and_opens_a_list_with_a_view(crew):
    view = crew.saved(crew.ana)

    def field(page, kind, key):
        return next(each for each in getattr(page, kind) if each.key == key)

    def look():
        return opened("events", crew.ana, saved=str(view))

    with browser_of(crew.ana):
        field(look(), "toggle", f"bookings default {view}").set_value(True).run()
        assert grid(opened("events", crew.ana), "lead_name").names == ["lead_name", "call_status"]
        field(look(), "text_input", f"bookings rename {view}").set_value("Renamed").run()
        field(look(), "button", "bookings share").click().run()
        assert crew.names(crew.bo) == ["Renamed"]
        page = field(look(), "button", "bookings delete").click().run()
    assert not page.exception
    assert crew.names(crew.ana) == []


def test_an_admin_sees_whose_view_it_is_and_others_no_buttons(crew):
    view = crew.saved(crew.ana, shared=True)
    for viewer, buttons in ((crew.admin, {"Update this view", "Delete"}), (crew.bo, set())):
        page = opened("events", viewer, saved=str(view))
        assert buttons == {"Update this view", "Share", "Stop sharing", "Delete"} & {
            each.label for each in page.button
        }
        assert "shared by Ana" in sent(page)
