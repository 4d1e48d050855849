"""Both themes are readable: text on its background, and the marks of charts on the page (WCAG 2.2,
AA).
"""

import tomllib

import pytest

from core.ui.navigation import PAGES
from core.ui.parts import charts
from tests.ui.contrast import contrast

THEME = tomllib.loads((PAGES.parent / ".streamlit/config.toml").read_text())["theme"]
TEXT, MARK = 4.5, 3.0
GROUNDS = [
    (name, ground)
    for name in ("light", "dark")
    for ground in (
        THEME[name]["backgroundColor"],
        THEME[name]["secondaryBackgroundColor"],
        THEME[name]["sidebar"]["backgroundColor"],
    )
]


def test_the_measure_agrees_with_the_standards_own_examples():
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(("name", "ground"), GROUNDS)
@pytest.mark.parametrize("kind", ["textColor", "linkColor"])
def test_text_and_links_can_be_read(name, ground, kind):
    assert contrast(THEME[name][kind], ground) >= TEXT


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(
    "colour", [*THEME["chartCategoricalColors"], charts.GREY, *sorted(set(charts.COLOURS.values()))]
)
def test_the_marks_of_charts_stand_out_from_the_page(name, colour):
    assert contrast(colour, THEME[name]["backgroundColor"]) >= MARK


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_can_be_pressed_stands_out_from_the_page(name):
    assert contrast(THEME[name]["primaryColor"], THEME[name]["backgroundColor"]) >= MARK
    assert contrast(THEME[name]["primaryColor"], "#FFFFFF") >= TEXT  # the words on a button
