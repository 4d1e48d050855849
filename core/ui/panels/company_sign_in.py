"""Signing in through the company's own provider (OpenID Connect), when ``.streamlit/secrets.toml``
has a section ``[auth]``.

``st.login`` does the round trip and checks the signed answer. Its cookie lasts for 30 days and
outlives a sign-out, so it is only a proof of the moment: a fresh one is exchanged for a session of
our own, and the route that sets our cookie drops it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import streamlit as st

from core.platform.clock import now
from core.platform.errors import NotAllowed
from core.tenancy.identity.sign_in import user_with_email
from core.ui.parts.format import escape_markdown

FRESH_FOR = timedelta(minutes=5)


def settings_of_auth() -> Mapping[str, Any]:
    """The section ``[auth]``; empty when nothing is configured."""
    return st.secrets.get("auth", {}) if st.secrets.load_if_toml_exists() else {}


def providers() -> dict[str | None, str]:
    """Each configured provider's name (None for the only one) and what its button says."""
    auth = settings_of_auth()
    named = {
        name: part
        for name, part in auth.items()
        if isinstance(part, Mapping) and "client_id" in part
    }
    alone: dict[str | None, Mapping[str, Any]] = {None: auth} if "client_id" in auth else {}
    return {
        name: part.get("label") or (name or "your company").capitalize()
        for name, part in (alone | named).items()
    }


def show_company_sign_in() -> UUID | None:
    """A button for each provider; the user, once somebody has come back from one of them."""
    offered = providers()
    for name, label in offered.items():
        st.button(
            f"Sign in with {label}",
            key=f"company {name}",
            on_click=st.login,
            args=[name] if name else [],
            width="stretch",
        )
    if not offered or not st.user.is_logged_in:
        return None
    try:
        return user_behind(st.user.to_dict())
    except NotAllowed as error:
        st.error(escape_markdown(error.message))
        return None


def user_behind(claims: Mapping[str, Any]) -> UUID | None:
    """The active user whose verified address the provider vouches for; None when that is no news
    any more.

    Raises NotAllowed without a verified address, and for an address that no active user has.
    """
    issued_at = datetime.fromtimestamp(float(claims.get("iat") or 0), UTC)
    if abs(now() - issued_at) > FRESH_FOR:
        return None
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise NotAllowed(
            "Your company's sign-in does not say that your e-mail address is verified, so it cannot"
            " be used here."
        )
    user_id = user_with_email(email)
    if user_id is None:
        raise NotAllowed(
            f"Nobody with an active account here has the address {email}. Ask an admin to invite"
            " you."
        )
    return user_id
