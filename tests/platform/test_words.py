"""The product speaks the words of docs/glossary.md: on screens, in names, and in its own prose."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(
    path
    for folder in ("core", "jobs", "webhooks", "pages")
    for path in (ROOT / folder).rglob("*.py")
    if "versions" not in path.parts
)
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
OWN_MEANING = re.compile(r"home page|rooms? for|/home|said so", re.IGNORECASE)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


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


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_what_people_read_calls_a_meeting_a_booking(path):
    if is_of_phone(path):
        return
    tree = ast.parse(path.read_text())
    prose = docstrings(tree)
    own = {id(each) for each in prose}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in own
    ]
    wrong = [
        text
        for text in texts
        if " " in text.strip() and not SQL.search(text) and meetings_in(text, ANY_CALL)
    ]
    assert wrong == []
    assert [text for each in prose if meetings_in(text := str(each.value), NOUN)] == []


@pytest.mark.parametrize("text", ["Calls answered", "Connected calls", "Missed calls by day"])
def test_a_figure_of_phone_calls_may_stand_anywhere(text):
    assert not meetings_in(text, ANY_CALL)


@pytest.mark.parametrize("text", ["Your calls today", "Calls: all of them.", "How many calls"])
def test_a_meeting_is_no_call_wherever_it_is_written(text):
    assert meetings_in(text, ANY_CALL)
    assert text == "Your calls today" or meetings_in(text, NOUN)


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_public_names_use_the_glossarys_words(path):
    found = names(ast.parse(path.read_text())) | {path.stem}
    exempt = {"CallStatus", "CallType", "PostCallForm", "__call__", "test_call"}
    public = {name for name in found - exempt if not name.startswith("_")}
    words = {"told", "said", "kept", "deed", "home", "nowhere"} | (
        set() if is_of_phone(path) else {"calls"}
    )
    assert {name for name in public if parts_of(name) & words} - {"home"} == set()


@pytest.mark.parametrize("path", PRODUCT, ids=shown)
def test_docstrings_and_comments_are_plain_sentences(path):
    prose = [str(each.value) for each in docstrings(ast.parse(path.read_text()))]
    with tokenize.open(path) as lines:
        prose += [
            token.string
            for token in tokenize.generate_tokens(lines.readline)
            if token.type == tokenize.COMMENT
        ]
    assert [text for text in prose if OLD_WORDS.search(OWN_MEANING.sub("", text))] == []


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("docs/*.md"), *(ROOT / name for name in ("README.md", "Makefile", ".ci/run"))],
    ids=shown,
)
def test_documents_speak_of_packages_and_layers(path):
    assert re.findall(r"\b(house|rooms?|floors?)\b", path.read_text()) == []
