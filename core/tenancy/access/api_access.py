"""How programs authenticate: people with short-lived signed tokens, organisations with API keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.platform.clock import now
from core.platform.database import as_key, as_member
from core.platform.errors import NotAllowed
from core.platform.vault import derived_key
from core.tenancy.access.api_keys import KEY_PREFIX
from core.tenancy.access.authorization import Access, Refusal, may_open
from core.tenancy.access.models import ApiKey, Role
from core.tenancy.access.scopes import allows
from core.tenancy.access.sessions import (
    explain_no_organization,
    last_organization,
    viewer_in_transaction,
)
from core.tenancy.access.viewers import Place, Viewer
from core.tenancy.organizations.modules import require_module
from core.tenancy.organizations.queries import current_organization

TOKEN_HOURS = 1
ALGORITHM = "HS256"
AUDIENCE = "salesops-api"
FACTOR_MISSING = "This organisation asks for a second factor. Set it up on the screen Your account."


class NotSignedIn(NotAllowed):
    """There is no token, or it is not valid, or no longer."""

    code = "unauthorized"


class SecondFactorRequired(NotSignedIn):
    """The password alone is not enough: a code is missing, or the organisation requires a second
    factor that the person has not set up.
    """

    code = "second_factor_required"


@dataclass(frozen=True)
class Caller:
    """A program's identity: a person's token (``viewer``) or an API key (``key_hash``)."""

    organization_id: UUID
    timezone: str
    currency: str
    plan: str
    organization_name: str
    modules: frozenset[str]
    viewer: Viewer | None = None
    key_hash: bytes | None = None
    scopes: tuple[str, ...] = ("all",)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction under this identity."""
        if self.viewer is not None:
            with self.viewer.transaction() as db:
                yield db
        elif self.key_hash is not None:
            with as_key(self.key_hash) as db:
                yield db

    @property
    def seen_by(self) -> UUID | None:
        return self.viewer.seen_by if self.viewer is not None else None

    @property
    def second_factor_missing(self) -> bool:
        return self.viewer is not None and self.viewer.second_factor_missing

    def is_one_of(self, *roles: Role) -> bool:
        """Whether a person has one of ``roles``. A key has no role; its scopes limit it instead."""
        return self.viewer is None or self.viewer.is_one_of(*roles)

    def has(self, module: str | None) -> bool:
        """Whether the organisation has the module."""
        return module is None or module in self.modules

    def covers(self, scope: str) -> bool:
        """Whether the key's scopes include it; always true for a person, whose role limits them."""
        resource, _, right = scope.partition(":")
        return allows(self.scopes, resource, right)

    def require(self, access: Access) -> None:
        """Raises NotAllowed, SwitchedOff or SecondFactorRequired unless the caller has access."""
        refusal = may_open(self, access)
        if refusal is None:
            return
        if refusal is Refusal.ROLE and self.viewer is not None:
            role = self.viewer.role.replace("_", " ")
            raise NotAllowed(f"Your role ({role}) does not include this.")
        if refusal is Refusal.MODULE:
            require_module(access.module, self.modules, self.organization_name)
        if refusal is Refusal.SECOND_FACTOR:
            raise SecondFactorRequired(FACTOR_MISSING)
        resource, _, right = (access.scope or "").partition(":")
        raise NotAllowed(f"This key may not {right} {resource}.")

    def as_viewer(self) -> Viewer:
        """The person behind the token. Raises NotAllowed for a key: some actions need a person."""
        if self.viewer is None:
            raise NotAllowed("A person files a form: use a token from /api/auth/login.")
        return self.viewer


def choose_login_organization(user_id: UUID, places: list[Place], wanted: str | None) -> Place:
    """The organisation a person signs in to: the one they name by slug or id, else the one they
    worked in last, else the first by name.

    Raises NotAllowed, for one that does not exist in the same words as for another's.
    """
    if not places:
        raise NotAllowed(explain_no_organization(user_id))
    if wanted:
        named = [place for place in places if wanted in (place.slug, str(place.id))]
        if not named:
            raise NotAllowed("You are not a member of this organisation.")
        return named[0]
    last = last_organization(user_id)
    return next((place for place in places if place.id == last), places[0])


def must_have_second_factor(viewer: Viewer) -> None:
    """Raises SecondFactorRequired when the organisation requires a second factor and the person has
    none.
    """
    if viewer.second_factor_missing:
        raise SecondFactorRequired(FACTOR_MISSING)


def issue_token(viewer: Viewer) -> str:
    """A token that is valid for one hour and holds user, organisation and role. Whether the person
    still has them is checked at each use.
    """
    claims = {
        "sub": str(viewer.user_id),
        "org": str(viewer.organization_id),
        "role": viewer.role,
        "name": viewer.name,
        "email": viewer.email,
        "aud": AUDIENCE,
        "jti": uuid4().hex,
        "iat": now().timestamp(),
        "exp": now() + timedelta(hours=TOKEN_HOURS),
    }
    return jwt.encode(claims, derived_key("api-token"), ALGORITHM)


def caller_of(authorization: str | None) -> Caller:
    """The caller behind an ``Authorization`` header. Raises NotSignedIn."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("Send a token: Authorization: Bearer …")
    try:
        return (
            _caller_by_key(token.strip())
            if token.strip().startswith(KEY_PREFIX)
            else _caller_by_token(token.strip())
        )
    except SecondFactorRequired:
        raise
    except (NotAllowed, jwt.InvalidTokenError, ValueError, KeyError) as error:
        raise NotSignedIn("The token is not valid, or no longer.") from error


def _caller_by_key(key: str) -> Caller:
    key_hash = hashlib.sha256(key.encode()).digest()
    with as_key(key_hash) as db:
        scopes = db.scalars(select(ApiKey.scopes).where(ApiKey.key_hash == key_hash)).one()
        organization = current_organization(db)
        return Caller(
            organization.id,
            organization.timezone,
            organization.currency,
            organization.plan,
            organization.name,
            frozenset(organization.modules),
            key_hash=key_hash,
            scopes=tuple(scopes),
        )


def _caller_by_token(token: str) -> Caller:
    claims = jwt.decode(
        token,
        derived_key("api-token"),
        [ALGORITHM],
        audience=AUDIENCE,
        options={"require": ["exp", "iat", "sub"]},
    )
    user_id, organization_id = UUID(claims["sub"]), UUID(claims["org"])
    with as_member(user_id, organization_id) as db:
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        role, holds = db.execute(
            text("select app.cur_role(), app.token_holds(:issued_at)"), {"issued_at": issued_at}
        ).one()
        plan = current_organization(db).plan
        viewer = viewer_in_transaction(
            db, user_id, name=claims["name"], email=claims["email"], role=role
        )
    if not holds:
        raise NotSignedIn(
            "The token was issued before its owner signed out everywhere or changed the password."
        )
    must_have_second_factor(viewer)
    return Caller(
        organization_id,
        viewer.timezone,
        viewer.currency,
        plan,
        viewer.organization_name,
        viewer.modules,
        viewer=viewer,
    )
