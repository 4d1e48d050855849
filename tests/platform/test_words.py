"""The product speaks the words of docs/glossary.md: on screens, in names, and in its own prose."""

import ast
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(
    path
    for folder in ("core", "jobs", "webhooks", "pages")
    for path in (ROOT / folder).rglob("*.py")
    if "versions" not in path.parts
)
SCRIPTS = sorted((ROOT / "core").rglob("*.sql"))
FILES = 200  # of the product there are more
# Files in which a call is a phone call.
PHONE = ("phone", "dialpad", "twilio", "/calls.py")
# What is said of a phone call alone; such a figure or filter stands in any file.
PHONE_CALL = re.compile(
    r"\b(answered|connected|finished|inbound|missed|outbound|phone) calls?\b"
    r"|\bcalls? (answered|connected|dialled|missed)\b|\bcall cent(re|er)s?\b",
    re.IGNORECASE,
)
# Names of columns, of the HTTP API and of metrics that others rely on, and idioms.
CALL = re.compile(
    r"post-call|booked calls?|calls? types?|call outcomes?|phone calls?|strategy call"
    r"|\bcalled\b|call[_-]\w+|\w+[_-]calls?\b",
    re.IGNORECASE,
)
# In prose *call* is also a verb and a part of programming; a noun follows one of these words.
NOUN = re.compile(
    r"\b(an?|one|the|this|that|every|each|no|many|more|their|its|whose|with|of|booked|today's)"
    r" calls?\b|^calls?:",
    re.IGNORECASE,
)
ANY_CALL = re.compile(r"\bcalls?\b", re.IGNORECASE)
SQL = re.compile(r"\b(select|insert into|update app|delete from|left join|grant|revoke)\b")
OLD_WORDS = re.compile(
    r"\b(told|said|kept|deeds?|how-manieth|home|of nowhere|house|floors?|rooms?)\b"
)
OWN_MEANING = re.compile(r"home page|rooms? for|/home|said so|\bfloor\(", re.IGNORECASE)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def docstrings(tree: ast.Module) -> list[ast.Constant]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    firsts = (node.body[0] for node in ast.walk(tree) if isinstance(node, kinds) and node.body)
    return [
        first.value
        for first in firsts
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    ]


def names(tree: ast.Module) -> set[str]:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def parts_of(name: str) -> set[str]:
    """The words of a name, in snake case or in camel case."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def is_of_phone(path: Path) -> bool:
    return any(word in f"/{shown(path)}" for word in PHONE)


def meetings_in(text: str, call: re.Pattern[str]) -> bool:
    """Whether the text speaks of a meeting as ``call`` finds it."""
    return call.search(CALL.sub("", PHONE_CALL.sub("", text))) is not None


def meetings_called_calls(path: Path) -> list[str]:
    """What people read in the file that calls a meeting a call."""
    prose = docstrings(tree_of(path))
    own = {id(each) for each in prose}
    texts = [
        node.value
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in own
    ]
    return [
        text
        for text in texts
        if " " in text.strip() and not SQL.search(text) and meetings_in(text, ANY_CALL)
    ] + [text for each in prose if meetings_in(text := str(each.value), NOUN)]


def test_what_people_read_calls_a_meeting_a_booking():
    found = {shown(path): meetings_called_calls(path) for path in PRODUCT if not is_of_phone(path)}
    assert len(found) > FILES
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("text", ["Calls answered", "Connected calls", "Missed calls by day"])
def test_a_figure_of_phone_calls_may_stand_anywhere(text):
    assert not meetings_in(text, ANY_CALL)


@pytest.mark.parametrize("text", ["Your calls today", "Calls: all of them.", "How many calls"])
def test_a_meeting_is_no_call_wherever_it_is_written(text):
    assert meetings_in(text, ANY_CALL)
    assert text == "Your calls today" or meetings_in(text, NOUN)


def foreign_names(path: Path) -> set[str]:
    """Public names of the file that use a word which the glossary does not have."""
    found = names(tree_of(path)) | {path.stem}
    exempt = {"CallStatus", "CallType", "PostCallForm", "__call__", "test_call"}
    public = {name for name in found - exempt if not name.startswith("_")}
    words = {"told", "said", "kept", "deed", "home", "nowhere"} | (
        set() if is_of_phone(path) else {"calls"}
    )
    return {name for name in public if parts_of(name) & words} - {"home"}


def test_public_names_use_the_glossarys_words():
    found = {shown(path): foreign_names(path) for path in PRODUCT}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def unplain_sentences(path: Path) -> list[str]:
    prose = [str(each.value) for each in docstrings(tree_of(path))]
    with tokenize.open(path) as lines:
        prose += [
            token.string
            for token in tokenize.generate_tokens(lines.readline)
            if token.type == tokenize.COMMENT
        ]
    return [text for text in prose if OLD_WORDS.search(OWN_MEANING.sub("", text))]


def test_docstrings_and_comments_are_plain_sentences():
    found = {shown(path): unplain_sentences(path) for path in PRODUCT}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_comments_and_names_in_sql_use_the_glossarys_words():
    found = {
        shown(path): OLD_WORDS.findall(OWN_MEANING.sub("", path.read_text())) for path in SCRIPTS
    }
    assert found
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("docs/*.md"), *(ROOT / name for name in ("README.md", "Makefile", ".ci/run"))],
    ids=shown,
)
def test_documents_speak_of_packages_and_layers(path):
    assert re.findall(r"\b(house|rooms?|floors?)\b", path.read_text()) == []
