"""What goes over the wire: nothing to strangers, nothing from strangers, and every screen draws without a complaint."""
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.ui.navigation import SCREENS
from tests.browser.conftest import PHONE, fits_the_width, settled
from tests.ui.screens import token_of
from tests.ui.teams import team
from tests.ui.test_names import HOSTILE
from tests.ui.test_theme import contrast

HEADERS = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
JOINER = "\u2060"
STRANGER = "https://shop.example.net"


def test_every_screen_draws_in_the_dark_on_a_phone_without_a_complaint_and_asks_no_stranger(product, ours, visit):
    page = visit("", ours.people["super_admin"], **PHONE, color_scheme="dark")
    complaints, hosts = [], set()
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" and not asks_for_the_root(line) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))

    for screen in SCREENS:
        query = "&".join(f"{name}={value}" for name, value in ours.row(screen.key).items())
        page.goto(f"{product.screens}/{screen.key if screen.key != 'home' else ''}?{query}")
        expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
        settled(page)
        assert fits_the_width(page), screen.key

    assert complaints == []
    assert hosts - {""} == {urlsplit(product.screens).netloc}


def test_names_written_by_strangers_are_drawn_letter_by_letter(product, visit):
    crew = team("Thorn", names=f"{HOSTILE} https://shop.example.net www.example.net :streamlit:")
    page = visit("/my-day", crew.rep)
    opened = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))

    for path in ("/my-day", f"/event?id={crew.ids['event']}", f"/form?event={crew.ids['form']}", f"/payment?id={crew.ids['payment']}"):
        page.goto(f"{product.screens}{path}")
        settled(page)
        main = page.get_by_test_id("stMain")
        assert HOSTILE in main.inner_text().replace(JOINER, "")
        assert main.locator("script, img, .katex, a[href^='javascript'], a[href*='example.net'], [data-testid=stIconMaterial]").all() == []
    assert opened == []


@pytest.mark.parametrize("path", ["/", "/connections", "/healthz", "/exports/events", "/media/unknown.csv", "/app/static/favicon.png"])
def test_every_answer_carries_the_security_headers(product, path):
    answer = httpx.get(f"{product.screens}{path}")

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/auth/sign-out", "/auth/organization"])
@pytest.mark.parametrize("sent", [{"origin": STRANGER}, {"referer": f"{STRANGER}/page"}, {"origin": "null"}, {}])
def test_a_form_of_another_site_changes_nothing(product, ours, path, sent):
    cookies = {"sid": token_of(ours.admin)}
    there = str(ours.admin.organization_id)

    answer = httpx.post(f"{product.screens}{path}", data={"organization": there}, headers=sent, cookies=cookies)

    assert answer.status_code == 403
    assert httpx.get(f"{product.screens}/exports/events", cookies=cookies).status_code == 200


def test_a_socket_of_another_site_is_refused(product):
    with pytest.raises(InvalidStatus) as refusal:
        connect(f"{product.screens.replace('http', 'ws')}/_stcore/stream", origin=STRANGER).close()

    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/exports/events", "/media/file.csv", "/_stcore/metrics", "/_stcore/upload_file/a/b"])
def test_files_and_exports_are_for_those_who_are_signed_in(product, path):
    answer = httpx.get(f"{product.screens}{path}", cookies={"sid": "somebody"})

    assert (answer.status_code, answer.text) == (401, "Sign in first.")


def asks_for_the_root(line) -> bool:
    """At a deep link Streamlit tries the longer path first, and finds its server at the next try."""
    return urlsplit(line.location["url"]).path.endswith(("/_stcore/health", "/_stcore/host-config"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_links_and_buttons_can_be_read(ours, visit, scheme):
    page = visit("/exports", ours.admin, color_scheme=scheme)
    pieces = page.locator("[data-testid=stCaptionContainer] p, [data-testid=stBaseLinkButton-primary] p, [data-testid=stMetricLabel] p")

    assert pieces.count() >= 3
    for piece in pieces.all():
        ink, ground = piece.evaluate(COLOURS)
        assert contrast(blended(ink, ground), blended(ground, ground)) >= 4.5, piece.inner_text()


# The letters' colour with all that fades it, and the first ground under them that is not see-through.
COLOURS = """(letters) => {
    let [red, green, blue, alpha = 1] = getComputedStyle(letters).color.match(/[\\d.]+/g).map(Number);
    let ground = null;
    for (let node = letters; node; node = node.parentElement) {
        const style = getComputedStyle(node);
        alpha *= Number(style.opacity);
        const behind = style.backgroundColor.match(/[\\d.]+/g).map(Number);
        if (!ground && (behind.length === 3 || behind[3] === 1)) ground = behind.slice(0, 3);
    }
    return [[red, green, blue, alpha], ground];
}"""


def blended(ink, ground):
    alpha = ink[3] if len(ink) == 4 else 1
    return "#" + "".join(f"{round(over * alpha + under * (1 - alpha)):02X}" for over, under in zip(ink, ground, strict=False))
