"""Screens opened as a browser would: through the shell, with the cookie of a real session."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache
from html import unescape
from itertools import count
from unittest.mock import patch

from streamlit.runtime.context import StreamlitCookies
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner, require_widgets_deltas

from core.tenancy.access.sessions import choose_organization
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.sign_in import issue_ticket, open_session
from core.ui.navigation import BY_KEY, PAGES
from core.ui.parts.format import APART
from core.ui.server.middleware import COOKIE

SHELL = str(PAGES.parent / "core/ui/shell.py")
number = count(1)
# For each run AppTest compiles the shell and the page anew, and looks a thousand times a second
# whether the script has ended.
app_test.ScriptCache = cache(ScriptCache)
TEXTS = ("title", "subheader", "markdown", "caption", "text", "info", "warning", "error", "success")


def _await_the_end(runner: LocalScriptRunner, timeout: float = 3) -> None:
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        require_widgets_deltas(runner, 0)  # says so


local_script_runner.require_widgets_deltas = _await_the_end


def token_of(viewer: Viewer) -> str:
    """The cookie of a new session of this person, in the organisation in which they are viewers."""
    token = open_session(issue_ticket(viewer.user_id), address="127.0.0.1", user_agent="tests")
    choose_organization(token, viewer.organization_id)
    return token


@contextmanager
def browser_of(viewer: Viewer | str | None):
    """In the block, requests come from this person's browser, from the browser with this cookie, or
    from one without.
    """
    with browser_with(token_of(viewer) if isinstance(viewer, Viewer) else viewer):
        yield


@contextmanager
def browser_with(token: str | None, *, address: str | None = None):
    """In the block, requests come from the browser with this cookie, from a network address of its
    own or this one.
    """
    cookies, ip_address = (
        StreamlitCookies({COOKIE: token} if token else {}),
        address or f"10.9.{next(number)}.1",
    )
    with patch.multiple(
        "streamlit.runtime.context.ContextProxy", cookies=cookies, ip_address=ip_address
    ):
        yield


@cache
def shell() -> AppTest:
    """One run of the shell. Later windows take its pages from here and need not search for
    components again.
    """
    page = AppTest.from_file(SHELL, default_timeout=30)
    with browser_of(None):
        return page.run()


def window(script: str) -> AppTest:
    """A new browser window."""
    page = AppTest.from_file(script, default_timeout=30)
    page._bidi_component_manager = shell()._bidi_component_manager
    return page


@cache
def _page_hash(screen: str) -> str:
    """How Streamlit knows the screen's page. To find it looks at every file of the product."""
    page = window(SHELL)
    page._registered_pages = shell()._registered_pages
    return page.switch_page(str(PAGES / BY_KEY[screen].file))._page_hash


def addressed(screen: str, **query: str) -> AppTest:
    """A new window at the screen's address, not run yet."""
    page = window(SHELL)
    page._registered_pages = shell()._registered_pages
    page._page_hash = _page_hash(screen)
    page.query_params.update(query)
    return page


def opened(screen: str, viewer: Viewer | str | None, **query: str) -> AppTest:
    """The screen at its address, opened by ``viewer`` as the first page of a new window."""
    page = addressed(screen, **query)
    with browser_of(viewer):
        return page.run()


@contextmanager
def holding(token: str):
    """A function that opens screens in the browser with this cookie. In the block, clicks come from
    that browser too.
    """
    with browser_with(token):
        yield lambda screen, **query: addressed(screen, **query).run()


def alone(screen: str, viewer: Viewer | None) -> AppTest:
    """The page's file run by itself, without the shell around it."""
    with browser_of(viewer):
        return window(str(PAGES / BY_KEY[screen].file)).run()


def sent(page: AppTest) -> str:
    """Everything that this run sent to the browser, including the data of charts and tables."""
    protos = [proto for node in page if (proto := getattr(node, "proto", None)) is not None]
    tables = (json.loads(each.proto.json) for each in page.get("bidi_component"))
    return " ".join(
        [
            *(proto.SerializeToString().decode("utf-8", "replace") for proto in protos),
            *(json.dumps(table, ensure_ascii=False) for table in tables),
        ]
    )


def below(page: AppTest, label: str) -> str | None:
    """The error that stands right below the field with this label; None where there is none."""
    nodes = [node for node in page if hasattr(type(node), "value")]
    place = next(at for at, node in enumerate(nodes) if getattr(node, "label", None) == label)
    following = next(iter(nodes[place + 1 :]), None)
    return following.value if getattr(following, "type", "") == "error" else None


def words(page: AppTest) -> list[str]:
    """The texts outside of tables and charts, one by one."""
    return [
        unescape(str(element.value)).replace(APART, "")
        for kind in TEXTS
        for element in page.get(kind)
    ]


def press(page, viewer, label):
    with browser_of(viewer):
        return next(button for button in page.button if button.label == label).click().run()


def fill(page, **values):
    for label, value in values.items():
        next(field for field in page.text_input if field.label == label.replace("_", " ")).input(
            value
        )
