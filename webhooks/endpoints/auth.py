"""``POST /api/auth/login``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.platform.database import as_member
from core.platform.errors import NotAllowed
from core.tenancy.access.api_access import (
    TOKEN_HOURS,
    NotSignedIn,
    SecondFactorRequired,
    choose_login_organization,
    issue_token,
    must_have_second_factor,
)
from core.tenancy.access.schemas import LoginRequest, LoginToken, Membership, TokenUser
from core.tenancy.access.sessions import (
    organizations_for_user,
    remember_organization,
    viewer_in_organization,
)
from core.tenancy.identity.models import User
from core.tenancy.identity.second_factor import check_code, has_second_factor
from core.tenancy.identity.sign_in import WRONG, sign_in
from webhooks.answers import as_json
from webhooks.cors import granted_origin


def login(request: Request, body: bytes) -> Response:
    """A token for a person in one organisation (``organization``: slug or id; without it, the one
    that they worked in last).

    ``code`` is the authenticator's, or a recovery code, for whoever has switched a second factor
    on.
    """
    given = LoginRequest.read(body)
    address = request.client.host if request.client else "unknown"
    try:
        user_id = sign_in(given.email, given.password, address=address)
    except NotAllowed as error:
        raise NotSignedIn(WRONG) from error
    _ask_for_code(user_id, given.code or "", address)
    places = organizations_for_user(user_id)
    chosen = choose_login_organization(user_id, places, given.organization)
    with as_member(user_id, chosen.id) as db:
        known = db.execute(select(User.name, User.email).where(User.id == user_id)).one()
    viewer = viewer_in_organization(
        user_id, chosen.id, name=known.name, email=known.email, role=chosen.role
    )
    must_have_second_factor(viewer)
    origin = granted_origin(request, viewer.transaction)
    remember_organization(user_id, chosen.id)
    user = TokenUser(
        id=user_id,
        email=viewer.email,
        name=viewer.name,
        role=viewer.role,
        organization_id=chosen.id,
        organization=chosen.name,
    )
    answer = as_json(
        LoginToken(
            access_token=issue_token(viewer),
            expires_in=TOKEN_HOURS * 3600,
            user=user,
            organizations=[Membership.model_validate(place) for place in places],
        )
    )
    answer.headers.update(origin)
    return answer


def _ask_for_code(user_id: UUID, code: str, address: str) -> None:
    if not has_second_factor(user_id):
        return
    if not code:
        raise SecondFactorRequired("Send the authenticator's code, or a recovery code, as “code”.")
    try:
        check_code(user_id, code, address=address)
    except NotAllowed as error:
        raise NotSignedIn(error.message) from error
