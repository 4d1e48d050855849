"""Each screen leads to its own place in the guide."""

from itertools import pairwise

import pytest

from core.ui.guide import anchor_of, contents, guide_address, guide_text
from core.ui.navigation import BY_KEY, SCREENS
from tests import factories as make
from tests.ui.screens import opened, words

HELPED = [screen for screen in SCREENS if screen.guide]


def test_every_screen_of_an_organisation_has_a_topic_of_the_guide():
    topics = {line[4:] for line in guide_text().splitlines() if line.startswith("### ")}
    assert {screen.guide for screen in HELPED} <= topics
    without = {screen.key for screen in SCREENS if screen.menu and not screen.guide}
    assert without == {"organizations", "users"}


def test_a_screen_links_to_its_topic(database_url):
    boss = make.viewer(make.organization(), "admin")
    page = opened("payouts", boss)

    assert any("](guide#payouts " in line for line in words(page))
    assert guide_address(BY_KEY["api-keys"].guide) == "guide#api-keys"


@pytest.mark.parametrize("left_out", ["![", ".md)", ".png"])
def test_the_guide_on_screen_has_no_pictures_and_no_links_to_files(left_out):
    assert left_out not in guide_text()


def test_the_guide_begins_with_its_contents_and_each_link_leads_to_a_heading(database_url):
    page = opened("guide", None)
    headings = {
        line.lstrip("# ") for line in guide_text().splitlines() if line[:3] in ("## ", "###")
    }
    sections = contents()
    assert {*sections, *(each for topics in sections.values() for each in topics)} == headings
    said = " ".join(each.value for each in page.markdown[:-1])
    assert all(f"[{heading}](#{anchor_of(heading)})" in said for heading in headings)


def test_what_stands_below_a_heading_begins_with_a_capital():
    lines = [line for line in guide_text().splitlines() if line]
    below = [after for line, after in pairwise(lines) if line.startswith("###")]
    assert [line for line in below if line[:1].islower()] == []
