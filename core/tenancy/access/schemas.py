"""Models of the API's sign-in: what is sent, and the token that comes back."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from core.platform.schemas import TEXT, Body, Count, FilledText, Response, Text
from core.tenancy.access.models import Role


class LoginRequest(Body):
    """``organization`` is a slug or an id; without it, the organisation worked in last counts."""

    email: FilledText
    password: FilledText
    organization: Annotated[Text | None, TEXT] = None
    code: Annotated[Text | None, TEXT] = Field(
        None,
        description=(
            "The authenticator's code or a recovery code; asked for by 401 second_factor_required"
        ),
    )


class TokenUser(Response):
    """The person that a token is for, in one organisation."""

    id: UUID
    email: str
    name: str
    role: Role
    organization_id: UUID
    organization: str


class Membership(Response):
    """An organisation that the person can sign in to, and what they are in it."""

    id: UUID
    slug: str
    name: str
    role: Role


class LoginToken(Response):
    """A token and when it ends, in seconds from now; ``organizations`` are all that the person can
    name at their next login.
    """

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token, not a secret
    expires_in: Count
    user: TokenUser
    organizations: list[Membership]
