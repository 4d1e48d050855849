"""Screens speak as docs/voice.md says: no wording that people stumbled over, and one style."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCREENS = sorted(path for folder in ("pages", "core/ui") for path in (ROOT / folder).rglob("*.py"))
CHECKS = sorted((ROOT / "core/operations").glob("*check*.py"))
SETTINGS = sorted((ROOT / "core").rglob("settings.py"))
STUMBLED_OVER = re.compile(
    r"\bMake (a (draft|key|link|payout)|an|ten|key|link|organisation|statement|draft)\b"
    r"|[Ll]ooked at anew|^Look at this|whom nobody knows|[Ff]reeze as|[Ww]rite to them no more"
    r"|hand it out|^Name in addresses|[Ll]ook(ing)? as\b|[Ww]ho accepts an|here too$"
    r"|asks? everybody|passport|telephone|opens nothing|stands? in the audit log"
    r"|may ask\b|be asked is described|are one within|may come before|name stands in"
    r"|^Or in the answer|[Ff]or good\b|[Kk]e(pt|ep) out|[Tt]ake (it )?in again|[Bb]ring it back"
    r"|[Ii]d of the row|cannot be opened|name to approve it|To the sign-in|shown this once"
)
STYLE = {
    "percent is written 82%": re.compile(r"\d %(?!\w)|\} %(?!\w)"),
    "no exclamation marks": re.compile(r"\w!(\s|$)"),
    "British spelling": re.compile(r"\b(organizations?|colors?|canceled|email address)\b"),
}


def sentences(path: Path) -> list[str]:
    """What the file shows: its texts, without docstrings and without words of programs."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]
    return [text for text in texts if " " in text.strip() and not re.search(r"[<{};]\S*[:>]", text)]


def found(paths: list[Path], wording: re.Pattern[str]) -> dict[str, list[str]]:
    wrong = {
        str(path.relative_to(ROOT)): [text for text in sentences(path) if wording.search(text)]
        for path in paths
    }
    return {path: texts for path, texts in wrong.items() if texts}


def test_no_screen_uses_a_wording_that_people_stumbled_over():
    assert len(SCREENS) > 60
    assert found([*SCREENS, *CHECKS, *SETTINGS], STUMBLED_OVER) == {}


@pytest.mark.parametrize("rule", STYLE)
def test_screens_are_written_in_one_style(rule):
    assert found([*SCREENS, *CHECKS, *SETTINGS], STYLE[rule]) == {}


@pytest.mark.parametrize("text", ["Make a payout", "It is kept for good", "Look as this member"])
def test_the_rule_finds_what_people_stumbled_over(text):
    assert STUMBLED_OVER.search(text)
