"""Every screen for every role: those who may see it do, the others read who can give them access,
and nobody signed out sees anything.
"""

import ast

import pytest

from core.links.access_links import ENDED
from core.tenancy.access.models import Role
from core.tenancy.access.roles import SUPER_ADMINS
from core.ui.navigation import BY_KEY, PAGES, SCREENS
from tests.ui.expectations import HAS, may
from tests.ui.screens import alone, opened, sent, words

KEYS = [screen.key for screen in SCREENS]
READ_BY_ALL = ("decisions", "guide")  # the pages that hang on no token
PUBLIC = [screen.key for screen in SCREENS if screen.public and screen.key not in READ_BY_ALL]
MEMBERS_ONLY = [screen.key for screen in SCREENS if not screen.public]
ROLES = list(Role)
# What a public screen says to whoever comes without a link.
BARE = {
    "forgot": ["Forgot your password?"],
    "reset": [
        "Choose a new password",
        "This link is not valid any more: it works once, and for half an hour. Ask for a new one.",
    ],
    "invitation": [
        "Invitation",
        "This invitation link is not valid. If you received several, only the latest one works.",
    ],
}


def ways(*, open_to):
    return [(role, key) for role in ROLES for key in KEYS if may(role, key) == open_to]


@pytest.mark.parametrize(("role", "screen"), ways(open_to=True))
def test_a_role_sees_what_its_screens_are_for(ours, role, screen):
    page = opened(screen, ours.people[role], **ours.row(screen))

    assert not page.exception
    assert not page.error
    assert HAS[screen] in sent(page)


@pytest.mark.parametrize(("role", "screen"), ways(open_to=False))
def test_other_roles_read_who_can_give_the_screen_and_nothing_of_it(ours, role, screen):
    for page in (
        opened(screen, ours.people[role], **ours.row(screen)),
        alone(screen, ours.people[role]),
    ):
        assert not page.exception
        whose = (
            "It is for those who run the whole installation."
            if BY_KEY[screen].roles == SUPER_ADMINS
            else ("An admin of Alder organisation can change that.")
        )
        back = [each for each in page.get("html") if 'href="./?organization=' in each.proto.body]
        assert "Back to your start page" in back[0].proto.body
        assert words(page.main) == [
            BY_KEY[screen].title,
            f"Your role ({role.replace('_', ' ')}) does not include this page. {whose}",
        ]


@pytest.mark.parametrize("screen", PUBLIC)
def test_a_public_screen_needs_no_session_but_its_token(ours, screen):
    shown, bare = opened(screen, None, **ours.row(screen)), opened(screen, None)

    assert not shown.exception
    assert HAS[screen] in sent(shown)
    assert words(bare) == words(alone(screen, None)) == BARE.get(screen, ["Link", ENDED])


@pytest.mark.parametrize("screen", READ_BY_ALL)
def test_what_the_product_explains_is_read_by_everybody_and_names_nobody(ours, screen):
    page = opened(screen, None)

    assert words(page) == words(alone(screen, ours.admin))
    assert HAS[screen] in sent(page)


@pytest.mark.parametrize("screen", MEMBERS_ONLY)
def test_without_a_session_a_screen_is_the_sign_in(ours, screen):
    page = opened(screen, None, **ours.row(screen))

    assert [field.label for field in page.text_input] == ["E-mail address", "Password"]
    assert words(page) == ["Sign in"]
    assert "Alder" not in sent(page)


@pytest.mark.parametrize("screen", MEMBERS_ONLY)
def test_a_page_run_past_the_shell_refuses_by_itself(screen):
    assert words(alone(screen, None)) == ["You are signed out. Reload the page to sign in."]


def test_every_file_of_a_page_is_a_screen():
    files = {
        str(path.relative_to(PAGES))
        for path in PAGES.rglob("*.py")
        if path.name != "__init__.py"  # which make them packages, for the import contract
    }

    assert files == {screen.file for screen in SCREENS}


@pytest.mark.parametrize("screen", SCREENS, ids=KEYS)
def test_the_first_thing_a_page_does_is_to_ask_who_is_there(screen):
    module = ast.parse((PAGES / screen.file).read_text())
    does = [
        statement
        for statement in module.body
        if not isinstance(statement, ast.Import | ast.ImportFrom) and calls(statement)
    ]

    guard = "open_to_all" if screen.public else "require"
    guards = [
        call.args[0].value for call in calls(does[0]) if getattr(call.func, "id", "") == guard
    ]
    assert guards == [screen.key]
    assert len(calls(does[0])) == 1 or screen.key == "home"


LIVE = [
    (screen, part)
    for screen in SCREENS
    for part in ast.walk(ast.parse((PAGES / screen.file).read_text()))
    if isinstance(part, ast.FunctionDef)
    and any("fragment" in ast.unparse(mark) for mark in part.decorator_list)
]


@pytest.mark.parametrize(
    ("screen", "part"), LIVE, ids=[f"{screen.key} {part.name}" for screen, part in LIVE]
)
def test_a_part_that_draws_itself_anew_asks_anew_who_is_there(screen, part):
    first = next(statement for statement in part.body if calls(statement))

    assert ast.unparse(first) == f"viewer = require('{screen.key}', live=True)"


def calls(statement):
    return [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
