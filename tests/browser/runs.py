"""When a page has drawn all that it was asked for, read off its socket, and nothing on it moves.

Streamlit's page attribute for the state of the script changes only when the server's first answer
arrives: between a click and that answer it still says that nothing runs. A second click in this
gap can hit an element that the first one's run is about to replace, and is lost. The socket knows:
after the last request there must be a new run, and that run must have ended by itself.
"""

from __future__ import annotations

from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import Error, Locator, Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LOOK_EVERY_MS = 50
PATIENCE_MS = 20_000
# Without a graphics card each frame of a fading or turning element costs as much as all else that
# the browser does, so nothing fades or turns.
STILL = """{
    const still = new CSSStyleSheet();
    still.replaceSync(`*, *::before, *::after {
        animation-duration: 0s !important; animation-delay: 0s !important;
        transition-duration: 0s !important; transition-delay: 0s !important }`);
    document.adoptedStyleSheets.push(still);
}"""
# Null on what is not one of our screens: a provider's page, a file. An opening panel carries its
# fields along for half a second, by a script. A press that begins on a button which moves before it
# ends reaches nothing; what turns for ever, like a wheel, is no movement.
AT_REST = """() => document.querySelector('#root') && (
    document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]') !== null
    && !document.getAnimations().some(each =>
        each.playState === 'running' && each.effect.getComputedTiming().endTime !== Infinity))"""
ACTIONS = (
    "click",
    "fill",
    "press",
    "tap",
    "check",
    "uncheck",
    "select_option",
    "press_sequentially",
)


class Socket:
    """One WebSocket of a page: what it requested, and whether that is done."""

    def __init__(self, socket: WebSocket) -> None:
        self.open, self.asked, self.begun, self.ended = True, 0, False, False
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)
        socket.on("close", self._closed)

    @property
    def is_settled(self) -> bool:
        return self.asked > 0 and self.begun and self.ended

    def _sent(self, payload: Any) -> None:
        if isinstance(payload, bytes) and BackMsg.FromString(payload).HasField("rerun_script"):
            self.asked, self.begun, self.ended = self.asked + 1, False, False

    def _received(self, payload: Any) -> None:
        if not isinstance(payload, bytes):
            return
        message = ForwardMsg.FromString(payload)
        if message.HasField("new_session"):
            self.begun, self.ended = True, False
        elif message.HasField("script_finished"):
            interrupted = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            self.ended = self.begun and not interrupted

    def _closed(self, _: WebSocket) -> None:
        self.open = False


SOCKETS: WeakKeyDictionary[Page, list[Socket]] = WeakKeyDictionary()


def watch(page: Page) -> None:
    """Follow the page's sockets from now on; before its first address."""
    sockets = SOCKETS.setdefault(page, [])
    page.on("websocket", lambda socket: sockets.append(Socket(socket)))


def move(page: Page, path: str) -> None:
    """Go to another address of the product in this window as the back button does: Streamlit draws
    the page that the address names, and nothing is loaded anew, which costs three times as much.
    """
    page.evaluate(
        "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }",
        path,
    )
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page has drawn everything that it was asked for. Fails after 20 seconds."""
    for _ in range(PATIENCE_MS // LOOK_EVERY_MS):
        if _is_settled(page):
            return
        page.wait_for_timeout(LOOK_EVERY_MS)
    raise AssertionError(f"{page.url} did not come to rest")


def _is_settled(page: Page) -> bool:
    at_rest = _at_rest(page)
    current = [socket for socket in SOCKETS[page] if socket.open]
    return at_rest is None or (at_rest and bool(current) and current[-1].is_settled)


def _at_rest(page: Page) -> bool | None:
    """Whether the page shows a run's end and nothing on it moves, None for a page that is not ours.
    A page that the browser is about to leave is not at rest.
    """
    try:
        return page.evaluate(AT_REST)
    except Error as error:
        if "Execution context was destroyed" not in error.message:
            raise
        return False


def act_on_settled_pages() -> None:
    """Make every click and key press wait until the page is settled, as a person would."""
    for name in ACTIONS:
        setattr(Locator, name, _settled_first(getattr(Locator, name)))


def _settled_first(action: Any) -> Any:
    @wraps(action)
    def acting(self: Locator, *args: Any, **options: Any) -> Any:
        if self.page in SOCKETS:
            settled(self.page)
        return action(self, *args, **options)

    return acting
