"""The headers of every response of the receiver, including that to an unexpected error."""

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from core.platform.settings import settings
from tests.flow import post
from webhooks.app import defect, routes
from webhooks.headers import SecurityHeaders

GIVEN = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATHS = sorted(
    {route.path.format(provider="stripe", connection_id=UNKNOWN, id=UNKNOWN) for route in routes}
)


def given(answer):
    return {name: answer.headers.get(name) for name in GIVEN}


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_answer_says_that_it_is_not_to_be_kept_framed_or_guessed_at(path, method, running):
    assert given(running(lambda: post(path, method=method))) == GIVEN


def test_so_does_a_defects_answer(running):
    def broken(_):
        raise RuntimeError("broken")

    app = SecurityHeaders(
        Starlette(routes=[Route("/", broken)], exception_handlers={Exception: defect})
    )

    answer = running(lambda: post("/", to=app, method="GET"))

    assert (answer.status_code, given(answer)) == (500, GIVEN)


def test_an_answers_own_word_comes_first(running):
    app = SecurityHeaders(
        Starlette(
            routes=[Route("/", lambda _: JSONResponse({}, headers={"Cache-Control": "private"}))]
        )
    )

    assert running(lambda: post("/", to=app, method="GET")).headers["cache-control"] == "private"


@pytest.mark.parametrize(
    ("public", "stays"),
    [("https://hooks.example.com", "max-age=31536000"), ("http://localhost:8000", None)],
)
def test_callers_are_told_never_to_come_without_tls_where_there_is_tls(
    monkeypatch, running, public, stays
):
    monkeypatch.setenv("WEBHOOK_PUBLIC_URL", public)
    settings.cache_clear()
    try:
        answer = running(lambda: post("/healthz", method="GET"))
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert answer.headers.get("strict-transport-security") == stays
