"""Whatever somebody types or pastes into whichever field, a page answers with a sentence, and
nothing is stored that could not be read again.
"""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from sqlalchemy import ARRAY, Table, Text, text

from core.migrations.tables import metadata
from core.platform.schema import BY_PRODUCT, CONFIDENTIAL
from core.tenancy.access.models import Role
from core.ui.navigation import SCREENS
from tests.by_day import SCREENS_BY_DAY
from tests.ports import owner
from tests.ui.screens import browser_with, opened, token_of
from tests.ui.teams import Team, team

NASTY = {
    "odd": "\0\U0001f600\u202e'\"<b>\\%s{x}\r\n@example.com\0",
    "nothing": "",
    "spaces": " \t\u00a0\u2003 ",
    "long": "x" * 10_000,
    "control": "a\x01\x1b[31m\x7f\x85b",
    "right to left": "\u202eשלום مرحبا\u202c",
    "emoji": "👩\u200d👩\u200d👧\u200d👦" * 30,
    "not a number": "NaN",
    "infinite": "Infinity",
    "huge": "1e99",
    "minus nothing": "-0",
    "other signs": "4.999,50",
    "script": "<script>alert(1)</script>",
    "formula": "=cmd|' /C calc'!A0,\"",
    "sql": "'; drop table app.events; --",
    "no day": "2026-02-31",
    "address": "a@b@c.example,\nbcc: all@example.com",
    "link": "javascript:alert(1)",
    "combining": "Z" + "\u0301" * 200,
    "only accents": "\u0301\u200b\ufeff",
}
NUMBERS = (1e99, -0.0, -1e99, 2.0**53)
DAYS = (date(1, 1, 1), date(9999, 12, 31))
ENDS_THE_SESSION = "Sign out everywhere, here too"
PLATFORM = ("organizations", "users")
MORE_OF = {"lists": [{"list": "Packages"}, {"list": "Setters"}, {"list": "Objections"}]}
LONGEST_NAME, LONGEST_TEXT = 200, 20_000
ROUNDS = 5  # of choices that lead to further questions


def cases():
    """Every screen with every nasty text; by day one of each kind of screen with one text each."""
    turn = count()
    for screen in SCREENS:
        for more in ({}, *MORE_OF.get(screen.key, [])):
            today = next(turn) % len(NASTY)
            for place, name in enumerate(NASTY):
                by_day = place == today and screen.key in {*SCREENS_BY_DAY, *MORE_OF}
                yield pytest.param(
                    screen.key,
                    more,
                    name,
                    id=f"{screen.key} {' '.join(more.values())} {name}",
                    marks=() if by_day else pytest.mark.nightly,
                )


@pytest.fixture(scope="module")
def crew(database_url) -> Team:
    """A team whose payouts may be deleted and whose keys may be revoked."""
    return team("Oddly")


def filled(crew: Team, token: str, screen: str, more: dict[str, str], nasty: str):
    """The screen with everything chosen that can be chosen, and the nasty text in every field."""
    page = opened_in_full(crew, token, screen, more)
    for field in (*page.text_input, *page.text_area):
        field.set_value(NASTY[nasty])
    turn = list(NASTY).index(nasty)
    for field in page.number_input:
        field.set_value(NUMBERS[turn % len(NUMBERS)])
    for field in page.date_input:
        day = DAYS[turn % len(DAYS)]
        field.set_value((day, day) if field.proto.is_range else day)
    return page


def opened_in_full(crew: Team, token: str, screen: str, more: dict[str, str]):
    """The screen with the first of each choice that stands open, until no question is left."""
    page = opened(screen, token, **crew.row(screen), **more)
    for _ in range(ROUNDS):
        boxes = [each for each in page.selectbox if each.value is None and each.options]
        groups = [
            each
            for each in page.get("button_group")
            if each.value in (None, []) and each.options and not each.disabled
        ]
        if (not boxes and not groups) or screen == "audit":  # whose choices narrow it
            break
        for box in boxes:
            box.select_index(len(box.options) - 1)
        for group in groups:
            group.set_value([group.options[0]] if group.value == [] else group.options[0])
        page = page.run()
    return page


@pytest.mark.parametrize(("screen", "more", "nasty"), [*cases()])
def test_nothing_that_can_be_typed_breaks_a_page_or_is_stored_unreadable(crew, screen, more, nasty):
    token = token_of(crew.people[Role.SUPER_ADMIN] if screen in PLATFORM else crew.admin)
    with browser_with(token):
        page = filled(crew, token, screen, more, nasty).run()
        broken = [("typing", error.value) for error in page.exception]
        labels = [button.label for button in page.button]
        for place, label in enumerate(labels):
            page = filled(crew, token, screen, more, nasty)
            if (
                label == ENDS_THE_SESSION
                or place >= len(page.button)
                or page.button[place].disabled
            ):
                continue
            broken += [(label, error.value) for error in page.button[place].click().run().exception]
    assert broken == []
    assert unreadable(crew.admin.organization_id) == {}


def unreadable(org) -> dict[str, list[str]]:
    """What stands in the organisation's rows that no person could have meant, by column."""
    found = {}
    with owner() as db:
        for table in metadata.sorted_tables:
            if "organization_id" not in table.c:
                continue
            for column in typed_by_people(table):
                most = LONGEST_NAME if column.name == "name" else LONGEST_TEXT
                value = "array_to_string(%s, ' ')" if isinstance(column.type, ARRAY) else "%s"
                words = value % f'"{column.name}"'
                query = text(
                    f"select left({words}, 80) from app.{table.name}"
                    rf" where organization_id = :org and (length({words}) > :most"
                    rf" or {words} ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]')"
                )
                if bad := db.execute(query, {"org": org, "most": most}).scalars().all():
                    found[f"{table.name}.{column.name}"] = list(bad)
    return found


def typed_by_people(table: Table):
    """The columns of words that are not the product's own."""
    return [
        column
        for column in table.columns
        if isinstance(column.type, Text | ARRAY)
        and not isinstance(getattr(column.type, "item_type", Text()), type(None))
        and not column.info.get(BY_PRODUCT)
        and not column.info.get(CONFIDENTIAL)
        and not column.computed
        and str(column.type) in ("TEXT", "TEXT[]")
    ]
