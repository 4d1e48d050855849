"""What an organisation's people read is written by its locale, whoever they are."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.links.access_links import issue_link
from core.links.kinds import LinkPurpose
from core.messages.reports import daily_report
from core.platform.database import as_system
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import browser_of, opened, sent, words

AT = datetime(2025, 3, 4, 14, 5, tzinfo=UTC)
PERIOD = {"period": "Custom", "from": "2025-03-01", "to": "2025-03-31"}
WRITTEN = {
    "en_US": ("$1,234,567.50", "Tue, Mar 4, 2025, 3:05 PM", "Mar 1 – Mar 31, 2025"),
    "en_GB": ("US$1,234,567.50", "Tue 4 Mar 2025 15:05", "1 Mar – 31 Mar 2025"),
    "da_DK": ("1.234.567,50\xa0US$", "Tue 4 Mar 2025 15:05", "1 Mar – 31 Mar 2025"),
    "de_CH": ("$\xa01’234’567.50", "Tue 4 Mar 2025 15:05", "1 Mar – 31 Mar 2025"),
}


def team(locale):
    org = make.organization(locale=locale)
    with as_system(org) as db:
        make.payment(db, org, "1234567.50", at=AT)
    return org


@pytest.mark.parametrize("locale", WRITTEN)
def test_a_payment_is_written_by_the_locale_of_the_viewers_organisation(locale):
    viewer = make.viewer(team(locale))
    row = grid(opened("payments", viewer, **PERIOD), "amount", "payment_date").rows[0]
    assert (row["amount"], row["payment_date"]) == WRITTEN[locale][:2]


def test_whoever_changes_the_locale_reads_the_next_page_in_it():
    viewer = make.viewer(team("en_US"), "admin")
    page = opened("settings", viewer)
    with browser_of(viewer):
        box = next(each for each in page.selectbox if each.label == "Numbers and dates")
        box.set_value("da_DK")
        page = next(each for each in page.button if each.key == "save locale").click().run()
    assert any("Danish (Denmark)" in line for line in words(page))
    row = grid(opened("payments", viewer, **PERIOD), "amount").rows[0]
    assert row["amount"] == WRITTEN["da_DK"][0]


def test_a_page_behind_a_link_is_written_by_the_locale_of_the_links_organisation():
    org = make.organization(locale="en_US", timezone="UTC")
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        closer = make.closer(db, org, "Ana")
        make.event(db, org, closer, at=AT)
    with admin.transaction() as db:
        link = issue_link(db, admin, LinkPurpose.PORTAL, "Ana's", closer_id=closer.id)
    page = opened("portal", None, token=link.address.partition("token=")[2])
    assert "Tue, Mar 4, 2025, 2:05 PM" in sent(page)


def test_a_report_is_written_by_the_locale_of_its_organisation():
    with as_system(team("da_DK")) as db:
        made = daily_report(db, AT.date())
    assert made["text"] == "Daily report, Tue 4 Mar 2025: 0 booked, 0 closed, 1.234.568\xa0US$ cash"


def test_a_locale_is_shown_by_examples_before_it_is_saved():
    viewer = make.viewer(team("en_US"), "admin")
    page = opened("settings", viewer)
    assert any("| Amount | $1,234,567.50 |" in line for line in words(page))
    with browser_of(viewer):
        box = next(each for each in page.selectbox if each.label == "Numbers and dates")
        page = box.set_value("da_DK").run()
    [line] = [each for each in words(page) if "After the change" in each]
    assert "| Day | Dec 31, 2026 | 31 Dec 2026 |" in line
    assert "| A day that you type | MM/DD/YYYY | DD/MM/YYYY |" in line
    assert viewer.locale == "en_US"


ROOT = Path(__file__).parents[2]
SCREENS = sorted([*ROOT.glob("pages/**/*.py"), *ROOT.glob("core/ui/**/*.py")])
# A whole date or time, or thousands, in signs of one country. A month with its year reads the same
# everywhere.
HARD = re.compile(r"%[dDexXcpIHy-]|^,|^,\.")


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_screen_writes_a_number_or_a_day_but_by_the_notation(path):
    hard = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            written = ast.unparse(node.format_spec).strip("f'\"")
            hard += [node.lineno] if HARD.search(written) else []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks_for_day = node.func.attr == "date_input" or any(
                isinstance(each, ast.Attribute) and each.attr == "date_input" for each in node.args
            )
            has_format = any(keyword.arg == "format" for keyword in node.keywords)
            if node.func.attr == "strftime" or (asks_for_day and not has_format):
                hard.append(node.lineno)
    assert hard == []
