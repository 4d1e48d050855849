"""What our routes read of a request: who asks, and the fields of a form."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from core.platform.errors import NotAllowed
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.viewers import Viewer
from core.ui.server.middleware import COOKIE

FIELDS, LONGEST_FIELD = 5, 4096


async def fields_of(request: Request, *names: str) -> list[str]:
    """Short fields of a form; whoever sends files, or more than a form of ours has, is refused
    before it is read.
    """
    async with request.form(max_files=0, max_fields=FIELDS, max_part_size=LONGEST_FIELD) as form:
        return [str(form.get(name, "")) for name in names]


def viewer_of_page(
    request: Request, organization: str | None, *, in_use: bool = True
) -> Viewer | None:
    """Who asks, in the organisation that the page shows which led here; ``in_use`` as in
    ``viewer_of``. Raises NotAllowed.
    """
    try:
        shown = UUID(organization) if organization else None
    except ValueError as error:
        raise NotAllowed("There is no such organisation.") from error
    return viewer_of(request.cookies.get(COOKIE), shown, in_use=in_use)
