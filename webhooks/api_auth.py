"""``POST /api/auth/login``."""
from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.platform.errors import NotAllowed
from core.tenancy.api_access import TOKEN_HOURS, NotSignedIn, choose_home, issue_token
from core.tenancy.sign_in import WRONG, places_of, sign_in, viewer_in
from webhooks.api_input import json_object, text_of


def login(request: Request, body: bytes) -> Response:
    """A token for a person in one organisation (``organization``: slug or id; optional for whoever belongs to one only)."""
    given = json_object(body)
    email, password = text_of(given, "email"), text_of(given, "password")
    wanted = text_of(given, "organization", required=False)
    address = request.client.host if request.client else "unknown"
    try:
        user_id = sign_in(email, password, address=address)
        organization_id = choose_home(user_id, wanted or None)
    except NotAllowed as error:
        raise NotSignedIn(WRONG) from error
    role = next(place.role for place in places_of(user_id) if place.id == organization_id)
    viewer = viewer_in(user_id, organization_id, name=email.partition("@")[0], email=email, role=role)
    user = {
        "id": str(user_id), "email": email, "role": role, "organization_id": str(organization_id),
        "organization": viewer.organization_name,
    }
    return JSONResponse({
        "access_token": issue_token(viewer), "token_type": "bearer", "expires_in": TOKEN_HOURS * 3600, "user": user,
    })
