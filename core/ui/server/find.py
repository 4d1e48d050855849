"""``POST /find``: what fits a few words, of each kind that the viewer may see. A POST, so that
people's names stand in no log and no history.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from core.operations.find import KINDS, MOST_OF_A_KIND, Found, Kind, find, searched
from core.platform.errors import NotAllowed
from core.platform.labels import NONE
from core.platform.money import shown
from core.platform.notation import written_in
from core.tenancy.access.authorization import may_open
from core.tenancy.access.viewers import Viewer
from core.ui.navigation import BY_KEY, SCREENS, row_in
from core.ui.parts.format import when
from core.ui.parts.query_params import ORGANIZATION
from core.ui.server.requests import fields_of, viewer_of_page


async def answer(request: Request) -> Response:
    """See above; ``q`` is what was typed."""
    typed, organization = await fields_of(request, "q", ORGANIZATION)
    return await run_in_threadpool(_answer, request, typed, organization)


def _answer(request: Request, typed: str, organization: str) -> Response:
    try:
        viewer = viewer_of_page(request, organization)
    except NotAllowed as error:
        return PlainTextResponse(error.message, 403)
    if viewer is None:
        return PlainTextResponse("Sign in first.", 401)
    words = searched(typed)
    with written_in(viewer.locale):
        groups = list(_groups(viewer, words)) if words else []
    return JSONResponse({"groups": groups}, headers={"Cache-Control": "no-store"})


def _groups(viewer: Viewer, words: str) -> Iterable[dict[str, Any]]:
    with viewer.transaction() as db:
        for label, rows in [
            ("Screens", _screens(viewer, words)),
            *((kind.label, _rows(db, viewer, kind, words)) for kind in KINDS),
        ]:
            if rows:
                yield {"label": label, "rows": rows}


def _screens(viewer: Viewer, words: str) -> list[dict[str, Any]]:
    fitting = [
        {"title": screen.title, "note": screen.section, "screen": screen.key, "parameters": {}}
        for screen in SCREENS
        if screen.menu
        and may_open(viewer, screen.access) is None
        and words.lower() in screen.title.lower()
    ]
    return fitting[:MOST_OF_A_KIND]


def _rows(db: Session, viewer: Viewer, kind: Kind, words: str) -> list[dict[str, Any]]:
    """Nothing of a kind whose screen the viewer may not open."""
    screen = BY_KEY.get(kind.screen)
    if screen is None or may_open(viewer, screen.access) is not None:
        return []
    return [
        {
            "title": found.name or found.email or NONE,
            "note": _note(found, kind.moment, viewer.timezone),
            "screen": screen.key,
            "parameters": row_in(screen.key, str(found.id)),
        }
        for found in find(db, kind, words)
    ]


def _note(found: Found, moment_name: str, timezone: str) -> str:
    amount = shown(found.amount, found.currency) if found.amount and found.currency else ""
    moment = f"{moment_name} {when(found.at, timezone)}".strip() if found.at else found.email or ""
    return " · ".join(filter(None, (amount, moment)))
