"""Returning from the company's sign-in: to the page that was asked for, and never to another
site.
"""

import asyncio
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route

from core.ui.server.return_url import COOKIE, ReturnUrlMiddleware

HOST = "https://sales.example.com"


def at_the_start(_):
    return RedirectResponse("/", 302)


def at_the_provider(_):
    return RedirectResponse("https://login.example.net/authorize", 302)


def broken(_):
    return PlainTextResponse("The provider is away.", 400)


APP = Starlette(
    routes=[
        Route("/auth/login", at_the_provider),
        Route("/oauth2callback", at_the_start),
        Route("/elsewhere", at_the_start),
    ],
    middleware=[Middleware(ReturnUrlMiddleware)],
)


def answer(path, *, referer=None, cookie=None, app=APP):
    headers = {"referer": referer} if referer else {}
    headers |= {"cookie": f"{COOKIE}={cookie}"} if cookie is not None else {}

    async def conversation():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=HOST
        ) as client:
            return await client.get(path, headers=headers)

    return asyncio.run(conversation())


@pytest.mark.parametrize(
    "asked",
    [
        "/events?closer=Ana&day=2026-11-21",
        "/leaderboards",
        "/payments?view=%C3%B8%2Fx",
        "/event?id=1#top",
    ],
)
def test_there_and_back_leads_to_the_page_that_was_asked_for(asked):
    left = answer("/auth/login", referer=f"{HOST}{asked}")
    assert left.headers["location"] == "https://login.example.net/authorize"
    [cookie] = left.headers.get_list("set-cookie")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "max-age=600",
        "path=/",
        "samesite=lax",
        "secure",
    }

    back = answer("/oauth2callback", cookie=left.cookies[COOKIE])
    assert back.headers["location"] == asked.partition("#")[0]
    assert "Max-Age=0" in back.headers["set-cookie"]


@pytest.mark.parametrize(
    "referer",
    [
        None,
        f"{HOST}/",
        "https://evil.example.net/events",
        "https://sales.example.com.evil.example.net/events",
        f"{HOST}//evil.example.net",
        f"{HOST}/\\evil.example.net",
        f"{HOST}/{'x' * 2000}",
        "not an address",
    ],
)
def test_nothing_else_is_remembered_and_what_was_is_forgotten(referer):
    assert "set-cookie" not in answer("/auth/login", referer=referer).headers
    assert (
        "Max-Age=0"
        in answer("/auth/login", referer=referer, cookie="%2Fevents").headers["set-cookie"]
    )


@pytest.mark.parametrize(
    "planted",
    [
        "https://evil.example.net/",
        "//evil.example.net",
        "/\\evil.example.net",
        "\\\\evil.example.net",
        "javascript:alert(1)",
        "/events\r\nSet-Cookie: sid=1",
        "/\t/evil.example.net",
        "evil.example.net",
        "",
        "/",
        "/%2F/evil",
        "///evil.example.net",
    ],
)
def test_whatever_stands_in_the_cookie_leads_nowhere_but_here(planted):
    back = answer("/oauth2callback", cookie=quote(planted, safe=""))
    assert httpx.URL(HOST).join(back.headers["location"]).host == "sales.example.com"
    assert not back.headers["location"].startswith(("//", "/\\"))
    assert "sid" not in back.headers.get("set-cookie", "")


def test_other_routes_and_answers_are_left_alone():
    assert (
        answer("/elsewhere", cookie="%2Fevents", referer=f"{HOST}/events").headers["location"]
        == "/"
    )
    app = Starlette(
        routes=[Route("/oauth2callback", broken)], middleware=[Middleware(ReturnUrlMiddleware)]
    )
    assert "set-cookie" not in answer("/oauth2callback", cookie="%2Fevents", app=app).headers
