"""A field is called the same wherever it is listed: in the API's description and on screens."""

import ast
from pathlib import Path

import pytest

from core.bookings.schemas import EventItem
from core.money.schemas import PaymentItem
from core.people.schemas import LeadItem
from core.ui.parts.columns import headings

ROOT = Path(__file__).parents[2]
ITEMS = (EventItem, PaymentItem, LeadItem)
LISTS = {
    path.stem: (path, [item for item in ITEMS if f"headings({item.__name__})" in path.read_text()])
    for path in sorted((ROOT / "pages").rglob("*.py"))
    if "headings(" in path.read_text()
}


@pytest.mark.parametrize("page", LISTS)
def test_no_list_writes_a_heading_that_the_api_has(page):
    path, items = LISTS[page]
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    written = {
        tuple(each.value for each in call.args[:2])
        for call in calls
        if len(call.args) > 1 and all(isinstance(each, ast.Constant) for each in call.args[:2])
    }
    titles = {(name, field.title) for item in items for name, field in item.model_fields.items()}
    assert items
    assert written & titles == set()


def test_the_lists_of_the_api_are_those_of_the_screens():
    assert {item for _, items in LISTS.values() for item in items} == set(ITEMS)


def test_a_field_without_a_heading_is_refused():
    assert headings(LeadItem)("name") == "Lead"
    with pytest.raises(KeyError):
        headings(LeadItem)("contact_id")
