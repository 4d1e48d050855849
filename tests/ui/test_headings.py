"""A field is called the same wherever it is listed: in the API's description and on screens."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from core.people.schemas import LeadItem
from core.platform.schemas import Page
from core.ui.parts.columns import headings
from webhooks.api import ENDPOINTS

ROOT = Path(__file__).parents[2]
ITEMS = [
    get_args(each.response.model_fields["items"].annotation)[0]
    for each in ENDPOINTS
    if each.response and issubclass(each.response, Page)
]
LISTS = {
    str(path.relative_to(ROOT)): [
        item for item in ITEMS if f"headings({item.__name__})" in path.read_text()
    ]
    for folder in ("pages", "core/ui/panels")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "headings(" in path.read_text()
}
# Pairs of payments stand beside each other, so each amount is called by where it comes from.
PAIRED = {("pages/money/payments.py", 'Money("amount", "On the form")')}


@pytest.mark.parametrize("page", LISTS)
def test_a_field_that_the_api_lists_takes_its_heading_from_there(page):
    items = LISTS[page]
    fields = {name for item in items for name, field in item.model_fields.items() if field.title}
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / page).read_text()))
        if isinstance(node, ast.Call)
    ]
    differing = {
        (page, ast.unparse(call).replace("'", '"'))
        for call in calls
        if len(call.args) > 1
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value in fields
        and ast.unparse(call.args[1]) != f"heading({call.args[0].value!r})"
    }
    assert items
    assert differing - PAIRED == set()


def test_the_lists_of_the_api_are_those_of_the_screens():
    assert {item for items in LISTS.values() for item in items} == set(ITEMS)


def test_a_field_without_a_heading_is_refused():
    assert headings(LeadItem)("name") == "Lead"
    with pytest.raises(KeyError):
        headings(LeadItem)("contact_id")
