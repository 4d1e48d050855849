"""The design of the post-call form on its screen, and the form that follows from it."""

from datetime import timedelta

import pytest

from core.bookings.custom_answers import custom_answers
from core.bookings.designs import add_item, current_design, design_in_work, publish
from core.bookings.form_answers import FormAnswers
from core.money.form_filing import file_form
from core.people.models import FieldKind
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.ui.form_window import Window
from tests.ui.screens import browser_of, opened, words


@pytest.fixture
def admin(database_url):
    return make.viewer(make.organization(), "admin", name="Ada Alder")


@pytest.fixture
def rep(admin):
    return make.viewer(admin.organization_id, "sales_rep", name="Ana Alder")


@pytest.fixture
def event(rep):
    with as_system(rep.organization_id) as db:
        closer = make.closer(db, rep.organization_id, "Ana", user_id=rep.user_id)
        return make.event(db, rep.organization_id, closer, at=now() - timedelta(hours=2)).id


def press(page, who, label):
    with browser_of(who):
        next(each for each in page.button if each.label == label).click().run()


def widget(kind, label):
    return next(each for each in kind if each.label == label)


def test_a_question_is_added_tried_published_and_asked(admin, rep, event):
    page = opened("form-design", admin)
    assert not page.exception
    with browser_of(admin):
        widget(page.selectbox, "Answer").set_value(FieldKind.SELECT).run()
        widget(page.text_input, "Question").set_value("How warm?")
        widget(page.text_area, "Options").set_value("Cold\nHot")
        widget(page.multiselect, "Shown when").set_value(["Offer made: Yes"])
    press(page, admin, "Add")
    assert not page.exception
    assert "Closers see your changes once you publish them" in " ".join(words(page))
    with rep.transaction() as db:
        assert "custom.how_warm" not in current_design(db).by_key
    press(page, admin, "Publish")
    assert "Version 1 is on the forms." in words(page)

    window = Window(rep, event).answer(call_occurred="Yes", lead_showed="Yes")
    assert "How warm?" not in window.asked()
    window.answer(offer_made="Yes")
    assert "How warm?" in window.asked()
    with rep.transaction() as db:
        [_, hot] = current_design(db).by_key["custom.how_warm"].options
    window.answer(**{"custom.how_warm": hot.id}).file()
    assert not window.page.exception
    with rep.transaction() as db:
        assert custom_answers(db, event) == {"custom.how_warm": hot.id}
    assert "How warm?: Hot" in words(opened("event", rep, id=str(event)))


def test_a_required_question_is_refused_at_its_place_and_keeps_what_was_typed(admin, rep, event):
    with admin.transaction() as db:
        add_item(db, FieldKind.NUMBER, {"label": "Team size", "required": True})
        publish(db, design_in_work(db), admin)
    window = Window(rep, event).answer(call_occurred="Yes").type("Notes", "Ready")
    window.file()
    assert window.errors() == ["“Team size” needs an answer."]
    window.type("Team size", "many").file()
    assert window.errors() == ["This must be a number like 12 or 12.5."]
    assert window.page.text_area[0].value == "Ready"
    window.type("Team size", "12.5").file()
    assert not window.errors()
    again = Window(rep, event)
    assert widget(again.page.text_input, "Team size").value == "12.5"


def test_a_publication_of_what_somebody_else_has_changed_is_refused(admin):
    other = make.viewer(admin.organization_id, "owner")
    with admin.transaction() as db:
        add_item(db, FieldKind.TEXT, {"label": "Team size"})
    page = opened("form-design", admin)
    with other.transaction() as db:
        add_item(db, FieldKind.TEXT, {"label": "Budget"})
    press(page, admin, "Publish")
    assert "Somebody else has changed this" in " ".join(each.value for each in page.error)
    press(page, admin, "Publish")
    assert "Version 1 is on the forms." in words(page)


def test_the_preview_has_the_width_of_a_phone_and_stores_nothing(admin):
    page = opened("form-design", admin)
    with browser_of(admin):
        [first] = [each for each in page.get("button_group") if each.key == "preview call_occurred"]
        first.set_value("Yes").run()
        [width] = [each for each in page.get("button_group") if each.key == "width"]
        width.set_value("Phone").run()
    assert not page.exception
    assert [each for each in page.get("button_group") if each.key == "preview lead_showed"]


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_admins_design_the_form(admin, role):
    page = opened("form-design", make.viewer(admin.organization_id, role))
    assert "does not include this page" in " ".join(words(page))


def test_a_question_is_left_out_and_put_back(admin):
    page = opened("form-design", admin)
    with browser_of(admin):
        widget(page.selectbox, "Change a question").set_value("objections").run()
    press(page, admin, "Leave this question out")
    with admin.transaction() as db:
        assert "objections" not in design_in_work(db).by_key
    with browser_of(admin):
        widget(page.selectbox, "Question").set_value("objections").run()
    press(page, admin, "Put back")
    with admin.transaction() as db:
        assert design_in_work(db).items[-1].key == "objections"


def test_the_filters_of_the_bookings_offer_the_question(admin, event):
    with admin.transaction() as db:
        key = add_item(db, FieldKind.SELECT, {"label": "Warmth", "options": ["Cold", "Hot"]})
        publish(db, design_in_work(db), admin)
    with admin.transaction() as db:
        file_form(db, event, FormAnswers(True, True), admin, custom={key: "Hot"})
    page = opened("events", admin)
    assert "1 booking" in words(page)
    assert widget(page.multiselect, "Warmth").options == ["No warmth", "Cold", "Hot"]
    assert "No bookings here" in " ".join(words(opened("events", admin, form_warmth="Cold")))
    assert "1 booking" in words(opened("events", admin, form_warmth="Hot"))
    assert not opened("dashboard", admin, form_warmth="Hot").exception
