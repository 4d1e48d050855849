"""The organisation's own post-call form: what of it is free to choose, and what becomes of answers
when it changes.
"""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from core.bookings.custom_answers import custom_answers, design_to_read
from core.bookings.design import NEEDED, When
from core.bookings.designs import (
    add_item,
    change_item,
    current_design,
    design_in_work,
    discard_work,
    leave_out,
    left_out,
    move_item,
    publish,
    put_back,
    values_of,
)
from core.bookings.form_answers import FormAnswers
from core.bookings.forms import Draft, FormProblems, load_draft
from core.bookings.models import ListEntry, PostCallForm
from core.money.form_filing import file_form, withdraw_form
from core.people.models import CustomFieldDefinition, CustomFieldValue, FieldKind
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.edits import Changed
from core.platform.errors import InvalidInput
from tests import factories as make

HELD = FormAnswers(True, True)
GIVEN = {
    FieldKind.TEXT: ("Anchor", "Anchor"),
    FieldKind.LONG_TEXT: ("One\nTwo", "One\nTwo"),
    FieldKind.NUMBER: ("12.5", Decimal("12.5")),
    FieldKind.MONEY: ("4997.00", Decimal("4997.000")),
    FieldKind.DATE: ("2026-11-02", date(2026, 11, 2)),
    FieldKind.YES_NO: (False, False),
    FieldKind.RATING: (4, 4),
}
WRONG = [
    (FieldKind.NUMBER, "12,5"),
    (FieldKind.NUMBER, "NaN"),
    (FieldKind.MONEY, "much"),
    (FieldKind.DATE, "2026-02-31"),
    (FieldKind.YES_NO, "yes"),
    (FieldKind.RATING, 6),
    (FieldKind.SELECT, "Nowhere"),
    (FieldKind.MULTI_SELECT, "Price"),
    (FieldKind.TEXT, 12),
]


@pytest.fixture
def admin():
    return make.viewer(make.organization(), "admin", name="Ada Alder")


@pytest.fixture
def event(admin):
    with as_system(admin.organization_id) as db:
        closer = make.closer(db, admin.organization_id, "Ana")
        return make.event(db, admin.organization_id, closer, at=now() - timedelta(hours=2)).id


def edit(admin, change, *arguments, **named):
    with admin.transaction() as db:
        return change(db, *arguments, **named)


def add(admin, label, kind=FieldKind.SELECT, **more):
    if kind in (FieldKind.SELECT, FieldKind.MULTI_SELECT):
        more.setdefault("options", ["Cold", "Hot"])
    return edit(admin, add_item, kind, {"label": label, **more})


def published(admin):
    with admin.transaction() as db:
        return publish(db, design_in_work(db), admin)


def file(admin, event, answers=HELD, **custom):
    given = {f"custom.{key}": value for key, value in custom.items()}
    with admin.transaction() as db:
        file_form(db, event, answers, admin, custom=given)


def answers(admin, event):
    with admin.transaction() as db:
        return custom_answers(db, event)


def labels(admin, event):
    """How the filed form is read: its labels, and those of the options that were chosen."""
    with admin.transaction() as db:
        form = db.scalars(select(PostCallForm)).one()
        given = custom_answers(db, event)
        design = design_to_read(db, form.config_version, given)
        asked = [each for each in design.questions if each.key in given]
        return {
            each.label: (each.choices or {}).get(given[each.key], given[each.key]) for each in asked
        }


@pytest.mark.parametrize("kind", list(GIVEN), ids=str)
def test_a_question_of_each_type_keeps_its_answer(admin, event, kind):
    add(admin, "How warm", kind)
    published(admin)
    given, kept = GIVEN[kind]
    file(admin, event, how_warm=given)
    stored = answers(admin, event)
    assert stored["custom.how_warm"] == kept
    assert stored.get("custom.how_warm currency") == ("USD" if kind == FieldKind.MONEY else None)


def test_options_are_stored_by_their_ids_and_may_be_given_by_name(admin, event):
    add(admin, "Warmth")
    add(admin, "Topics", FieldKind.MULTI_SELECT, options=["Price", "Time", "Trust"])
    published(admin)
    file(admin, event, warmth="hot", topics=["Trust", "price"])
    with admin.transaction() as db:
        by_key = current_design(db).by_key
        names = {each.id: each.name for key in by_key for each in by_key[key].options}
    given = answers(admin, event)
    assert names[given["custom.warmth"]] == "Hot"
    assert [names[each] for each in given["custom.topics"]] == ["Price", "Trust"]


@pytest.mark.parametrize(("kind", "value"), WRONG, ids=[f"{kind} {value}" for kind, value in WRONG])
def test_a_wrong_answer_is_refused_at_its_question_and_nothing_is_filed(admin, event, kind, value):
    add(admin, "Warmth", kind)
    published(admin)
    with pytest.raises(FormProblems) as refused:
        file(admin, event, warmth=value)
    assert set(refused.value.problems) == {"custom.warmth"}
    with as_system(admin.organization_id) as db:
        assert db.scalars(select(PostCallForm)).all() == []


def test_a_required_question_is_refused_without_an_answer_only_where_it_is_asked(admin, event):
    add(admin, "Warmth", required=True, when=When("offer_made", ("yes",)))
    published(admin)
    with pytest.raises(FormProblems) as refused:
        file(admin, event, FormAnswers(True, True, True))
    assert refused.value.problems == {"custom.warmth": "“Warmth” needs an answer."}
    file(admin, event, HELD)


def test_a_required_entry_of_an_empty_list_cannot_be_answered_and_is_not_required(admin, event):
    edit(admin, put_back, "call_outcome_id")
    edit(admin, change_item, "call_outcome_id", {"required": True})
    published(admin)
    file(admin, event)
    with as_system(admin.organization_id) as db:
        db.add(
            ListEntry(organization_id=admin.organization_id, kind="call_outcome", name="Good talk")
        )
    with pytest.raises(FormProblems) as refused:
        file(admin, event)
    assert set(refused.value.problems) == {"call_outcome_id"}


def test_an_answer_that_is_asked_no_more_after_a_correction_goes(admin, event):
    add(admin, "Warmth", when=When("offer_made", ("yes",)))
    published(admin)
    file(admin, event, FormAnswers(True, True, True), warmth="Hot")
    assert set(answers(admin, event)) == {"custom.warmth"}
    file(admin, event, HELD, warmth="Hot")
    assert answers(admin, event) == {}


def test_a_condition_goes_by_the_answer_to_a_question_of_ones_own(admin, event):
    key = add(admin, "Warmth")
    with admin.transaction() as db:
        [_, hot] = design_in_work(db).by_key[key].options
    add(admin, "Why", FieldKind.TEXT, when=When(key, (hot.id,)))
    published(admin)
    file(admin, event, warmth="Cold", why="Nobody asks")
    assert set(answers(admin, event)) == {"custom.warmth"}
    file(admin, event, warmth="Hot", why="They wrote first")
    assert answers(admin, event)["custom.why"] == "They wrote first"


def test_answers_survive_a_rename_a_removal_and_another_type(admin, event):
    key = add(admin, "Warmth")
    published(admin)
    file(admin, event, warmth="Hot")

    edit(admin, change_item, key, {"label": "Heat", "options": ["Cold", "Boiling"]})
    published(admin)
    assert labels(admin, event) == {"Warmth": "Hot"}  # as it was filed

    edit(admin, leave_out, key)
    add(admin, "Warmth", FieldKind.RATING)
    published(admin)
    assert labels(admin, event) == {"Warmth": "Hot"}

    file(admin, event, warmth_2=5)  # corrected: of the present design from now on
    assert labels(admin, event) == {"Warmth": 5, "Heat (asked earlier)": "Hot"}


def test_an_option_that_comes_back_is_the_one_that_it_was(admin, event):
    key = add(admin, "Warmth")
    published(admin)
    file(admin, event, warmth="Hot")
    edit(admin, change_item, key, {"options": ["Cold"]})
    published(admin)
    edit(admin, change_item, key, {"options": ["Cold", "Hot"]})
    published(admin)
    with admin.transaction() as db:
        [_, hot] = current_design(db).by_key[key].options
    assert answers(admin, event)["custom.warmth"] == hot.id


def test_a_question_that_is_put_back_is_the_same_field(admin, event):
    key = add(admin, "Warmth")
    published(admin)
    edit(admin, leave_out, key)
    published(admin)
    with admin.transaction() as db:
        assert left_out(db)[key] == "Warmth"
        assert db.scalars(select(CustomFieldDefinition.active)).all() == [False]
    edit(admin, put_back, key)
    published(admin)
    with admin.transaction() as db:
        assert db.scalars(select(CustomFieldDefinition.active)).all() == [True]
        assert [each.name for each in current_design(db).by_key[key].options] == ["Cold", "Hot"]


def test_withdrawing_the_form_removes_its_answers(admin, event):
    add(admin, "Warmth")
    published(admin)
    file(admin, event, warmth="Hot")
    edit(admin, withdraw_form, event, admin)
    assert answers(admin, event) == {}
    with as_system(admin.organization_id) as db:
        assert db.scalars(select(CustomFieldValue)).all() == []


def test_filing_without_answers_of_ones_own_leaves_them(admin, event):
    add(admin, "Warmth", required=True)
    published(admin)
    file(admin, event, warmth="Hot")
    with admin.transaction() as db:
        file_form(db, event, FormAnswers(True, True, True), admin)
    assert set(answers(admin, event)) == {"custom.warmth"}


def test_a_correction_begins_with_all_answers(admin, event):
    add(admin, "Warmth", FieldKind.TEXT)
    published(admin)
    file(admin, event, warmth="Hot")
    with admin.transaction() as db:
        known = load_draft(db, event, admin)
    assert isinstance(known, Draft)
    assert known.answers["custom.warmth"] == "Hot"


@pytest.mark.parametrize("key", NEEDED)
def test_what_figures_are_counted_from_stays_on_the_form(admin, key):
    with pytest.raises(InvalidInput, match="stays on the form"):
        edit(admin, leave_out, key)


def test_the_steps_of_a_sale_stay_in_their_order_and_others_move(admin):
    with pytest.raises(InvalidInput, match="asked first"):
        edit(admin, move_item, "call_occurred", 1)
    with pytest.raises(InvalidInput, match="stay in their order"):
        edit(admin, move_item, "offer_made", -1)
    edit(admin, move_item, "follow_up_on", -1)
    with admin.transaction() as db:
        keys = [each.key for each in design_in_work(db).items]
    assert keys.index("follow_up_on") == keys.index("notes") - 1


def test_a_question_stands_behind_the_one_that_decides_whether_it_is_asked(admin):
    first = add(admin, "Warmth", FieldKind.YES_NO)
    second = add(admin, "Why", FieldKind.TEXT, when=When(first, ("yes",)))
    with pytest.raises(InvalidInput, match="must stand before"):
        edit(admin, move_item, second, -1)
    with pytest.raises(InvalidInput, match="shown by its answer"):
        edit(admin, leave_out, first)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "--"}, "label"),
        ({"label": "Notes", "options": ["A"]}, "label"),
        ({"label": "Warmth", "options": []}, "options"),
        ({"label": "Warmth", "options": ["Hot", "hot"]}, "options"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_at_its_field(admin, values, field):
    with pytest.raises(InvalidInput) as refused:
        edit(admin, add_item, FieldKind.SELECT, values)
    assert refused.value.field == field


def test_what_is_in_work_is_seen_on_forms_only_once_it_is_published(admin):
    key = add(admin, "Warmth")
    with admin.transaction() as db:
        assert key not in current_design(db).by_key
    edit(admin, discard_work)
    with admin.transaction() as db:
        assert key not in design_in_work(db).by_key
        assert db.scalars(select(CustomFieldDefinition)).all() == []


def test_two_who_change_one_question_are_asked_and_two_questions_do_not_cross(admin):
    key, other = add(admin, "Warmth"), add(admin, "Topics")
    with admin.transaction() as db:
        read = values_of(design_in_work(db).by_key[key])
        seen = design_in_work(db)
    edit(admin, change_item, key, read | {"label": "Heat"}, read)
    edit(admin, change_item, other, {"label": "Themes"})
    with pytest.raises(Changed) as crossed:
        edit(admin, change_item, key, read | {"label": "Fire"}, read)
    assert crossed.value.now == {"label": "Heat"}
    edit(admin, change_item, key, read | {"help": "How keen they are"}, read)
    with admin.transaction() as db:
        item = design_in_work(db).by_key[key]
        assert (item.label, item.help) == ("Heat", "How keen they are")
    with pytest.raises(Changed), admin.transaction() as db:
        publish(db, seen, admin)


def test_reps_read_the_design_and_do_not_change_it(admin, event):
    add(admin, "Warmth")
    published(admin)
    rep = make.viewer(admin.organization_id, "sales_rep")
    with rep.transaction() as db:
        assert "custom.warmth" in current_design(db).by_key
        assert UUID(current_design(db).by_key["custom.warmth"].id)
    with pytest.raises(Exception, match="row-level security"), rep.transaction() as db:
        publish(db, design_in_work(db), rep)
