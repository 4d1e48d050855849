"""Our own routes beside the screens: cookie in, cookie out, another organisation, exports, health.

The gate before them refuses what another site asks to be changed.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

import core.migrations.tables  # noqa: F401 - a row can be written only when the tables that it refers to are known
from core.metrics import exports
from core.metrics.custom import filters_of
from core.metrics.export_tables import export_table
from core.operations.personal_export import export_person, export_person_of
from core.platform.clock import Period
from core.platform.errors import InvalidInput, NotAllowed, SalesOpsError, TooManyRequests
from core.platform.settings import settings
from core.platform.spreadsheets import DECIMAL_COMMA, PLAIN
from core.tenancy.access.authorization import Access, may_open
from core.tenancy.access.roles import ADMINS, EVERYBODY
from core.tenancy.access.sessions import choose_organization
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.sign_in import ABSOLUTE_HOURS, close_session, open_session
from core.tenancy.organizations.logo import logo_of
from core.ui.cache import live_stamp, this_minute
from core.ui.navigation import BY_KEY
from core.ui.parts.query_params import ORGANIZATION
from core.ui.server.find import answer
from core.ui.server.imports import import_pages
from core.ui.server.middleware import COOKIE
from core.ui.server.requests import fields_of, viewer_of_page

ANY_EXPORT, PERSON = Access(EVERYBODY), Access(ADMINS)
EXPORTED_YEARS = range(2000, 2101)
COMPANY_COOKIES = (  # what st.login leaves behind: the name, and the same with endings
    "_streamlit_user"
)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """The first visitor does not wait for imports; and what they made lives as long as the process,
    so the collector need not look at it again and again.
    """
    import_pages()
    gc.collect()
    gc.freeze()
    yield {}


def local_path(wanted: str | None) -> str:
    """A path of this server, or the start page: never somebody else's address."""
    path = wanted or "/"
    ours = (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and path.isprintable()
    )
    return path if ours else "/"


async def ticket(request: Request) -> Response:
    """Exchange a ticket for the cookie; a used or expired one leads back to the sign-in, as does a
    link on another site, which would sign its visitor in as somebody else.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return RedirectResponse("/", 303)
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")
    token = await run_in_threadpool(
        open_session, request.query_params.get("t", ""), address=address, user_agent=agent
    )
    response = RedirectResponse(
        local_path(request.query_params.get("next")), 303, {"Cache-Control": "no-store"}
    )
    if token:
        secure = "https" in (request.url.scheme, urlsplit(settings().public_url).scheme)
        for name in request.cookies:
            if name.startswith(COMPANY_COOKIES):
                response.delete_cookie(name, path="/")
        response.set_cookie(
            COOKIE,
            token,
            ABSOLUTE_HOURS * 3600,
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
    return response


async def sign_out(request: Request) -> Response:
    """End the session for good; a copied cookie is worthless afterwards."""
    await run_in_threadpool(close_session, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def switch(request: Request) -> Response:
    """Make another of the viewer's organisations the active one."""
    (wanted,) = await fields_of(request, ORGANIZATION)
    try:
        await run_in_threadpool(choose_organization, request.cookies.get(COOKIE, ""), UUID(wanted))
    except (ValueError, NotAllowed):
        return PlainTextResponse("You are not a member of this organisation.", 403)
    return RedirectResponse(f"/?{urlencode({ORGANIZATION: wanted})}", 303)


def live(request: Request) -> Response:
    """``/live/dashboard?narrowed=&organization=``: the stamp of what a dashboard shows, which
    is narrowed by these dimensions. An open page asks for it by itself, so the session's time
    without use goes on.
    """
    asked = request.query_params
    try:
        viewer = viewer_of_page(request, asked.get(ORGANIZATION), in_use=False)
    except NotAllowed as error:
        return PlainTextResponse(error.message, 403)
    if viewer is None:
        return PlainTextResponse("Sign in first.", 401)
    if may_open(viewer, BY_KEY["dashboard"].access) is not None:
        return PlainTextResponse("The dashboard is not open to you.", 403)
    with viewer.transaction() as db:
        filters = filters_of(db, dict.fromkeys(asked.getlist("narrowed"), (None,)))
        stamp = live_stamp(db, filters, this_minute())
    return PlainTextResponse(stamp, headers={"Cache-Control": "no-store"})


def logo(request: Request) -> Response:
    """``/logo?organization=&v=``: the picture that an organisation shows to its own people. With
    another picture ``v`` is another, so browsers keep each.
    """
    try:
        viewer = viewer_of_page(request, request.query_params.get(ORGANIZATION))
    except NotAllowed as error:
        return PlainTextResponse(error.message, 403)
    if viewer is None:
        return PlainTextResponse("Sign in first.", 401)
    with viewer.transaction() as db:
        picture, kind = logo_of(db)
    if picture is None:
        return PlainTextResponse("There is no logo.", 404)
    headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(picture, media_type=kind, headers=headers)


async def healthz(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def export(request: Request) -> Response:
    """``/exports/{table}?format=&start=&end=&columns=&headings=&decimal=&organization=``:
    streamed, as the viewer may see it. With ``headings=people`` the columns are called as on
    screens, with ``decimal=comma`` numbers and their separators are those of such a country.
    """
    asked = request.query_params
    try:
        viewer = viewer_of_page(request, asked.get(ORGANIZATION))
    except NotAllowed as error:
        return PlainTextResponse(error.message, 403)
    if viewer is None:
        return PlainTextResponse("Sign in first.", 401)
    if may_open(viewer, ANY_EXPORT) is not None:
        return PlainTextResponse(
            "Set up the second factor that your organisation asks for first.", 403
        )
    name, fmt = request.path_params["table"], asked.get("format", "csv")
    try:
        columns = [part for part in asked.get("columns", "").split(",") if part] or None
        period = _period(viewer, asked.get("start"), asked.get("end"))
        written = exports.Written(
            asked.get("headings") == "people",
            DECIMAL_COMMA if asked.get("decimal") == "comma" and fmt == "csv" else PLAIN,
            viewer.timezone if asked.get("headings") == "people" else "UTC",
        )
        chunks = exports.export(
            viewer.transaction, name, fmt, period=period, columns=columns, written=written
        )
    except TooManyRequests as error:
        return PlainTextResponse(error.message, 429, {"Retry-After": str(error.retry_after_s)})
    except SalesOpsError as error:
        return PlainTextResponse(error.message, 422)
    called = export_table(name).file_name
    return _download(chunks, f"{called}.{'jsonl' if fmt == 'json' else fmt}", exports.FORMATS[fmt])


async def person(request: Request) -> Response:
    """Everything about one person, streamed to an admin. A POST, so that the address stands in no
    log and no history.
    """
    return await run_in_threadpool(
        _person, request, *await fields_of(request, "email", "contact", ORGANIZATION)
    )


def _person(request: Request, email: str, contact: str, organization: str) -> Response:
    try:
        viewer = viewer_of_page(request, organization)
    except NotAllowed as error:
        return PlainTextResponse(error.message, 403)
    if viewer is None:
        return PlainTextResponse("Sign in first.", 401)
    if may_open(viewer, PERSON) is not None:
        return PlainTextResponse("Admins export what is known of a person.", 403)
    try:
        chunks = (
            export_person_of(viewer.transaction, UUID(contact))
            if contact
            else export_person(viewer.transaction, email)
        )
    except ValueError:
        return PlainTextResponse("There is no such contact.", 422)
    except SalesOpsError as error:
        return PlainTextResponse(error.message, 422)
    return _download(chunks, "person.json", "application/json")


def _download(chunks: Iterator[bytes], name: str, media_type: str) -> Response:
    """A file; ``name`` is made of our own words alone."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)


def _period(viewer: Viewer, start: str | None, end: str | None) -> Period | None:
    if not start and not end:
        return None
    try:
        first, behind = date.fromisoformat(start or ""), date.fromisoformat(end or "")
    except ValueError as error:
        raise InvalidInput("Days are written like 2026-11-02.", field="start") from error
    # In UTC the first day of the year 1 lies outside of what a date can be.
    if not (first.year in EXPORTED_YEARS and behind.year in EXPORTED_YEARS):
        raise InvalidInput("The days must lie between 2000 and 2100.", field="start")
    return Period(first, behind, viewer.timezone)


routes = [
    Route("/auth/ticket", ticket),
    Route("/auth/sign-out", sign_out, methods=["POST"]),
    Route("/auth/organization", switch, methods=["POST"]),
    Route("/exports/person", person, methods=["POST"]),
    Route("/exports/{table}", export),
    Route("/live/dashboard", live),
    Route("/logo", logo),
    Route("/find", answer, methods=["POST"]),
    Route("/healthz", healthz),
]
