"""Whose product and whose organisation it is: name and mark, wherever they are shown."""

from __future__ import annotations

from html import escape
from uuid import UUID

import streamlit as st

from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization
from core.ui.parts.query_params import ORGANIZATION

PRODUCT = "SalesOps"
LOGO_LASTS_S = 60


def show_product() -> None:
    """Name and mark of the product, above the sign-in."""
    st.html(
        '<h1 class="so-brand"><img src="/app/static/mark.svg" alt="" width="40" height="40">'
        f"<span>{PRODUCT}</span></h1>"
    )


def initials(name: str) -> str:
    """``Ana Lopez`` as ``AL``; nothing where a name has no letter."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0].upper() for word in (words[:1] + words[1:][-1:]))


def avatar(name: str, picture: str | None = None) -> str:
    """The HTML of a person's or an organisation's sign: the picture, or else the initials."""
    if picture:
        return f'<img class="so-avatar" src="{escape(picture)}" alt="">'
    return f'<span class="so-avatar" aria-hidden="true">{escape(initials(name))}</span>'


def whose(viewer: Viewer, role: str) -> str:
    """The HTML of the organisation and of who is signed in there."""
    lines = (
        (viewer.organization_name, logo_address(viewer), "Organisation"),
        (viewer.name, None, role.capitalize()),
    )
    return "".join(
        f'<div class="so-who">{avatar(name, picture)}<span><b>{escape(name)}</b>'
        f"<small>{escape(note)}</small></span></div>"
        for name, picture, note in lines
    )


def logo_address(viewer: Viewer) -> str | None:
    """Where the browser finds the logo of the viewer's organisation, if it has one."""
    version = _logo_version(viewer.organization_id, viewer)
    return f"/logo?{ORGANIZATION}={viewer.organization_id}&v={version}" if version else None


@st.cache_data(ttl=LOGO_LASTS_S, max_entries=1000, show_spinner=False)
def _logo_version(organization_id: UUID, _viewer: Viewer) -> str | None:
    """The same for everybody of the organisation, so one person's transaction answers for all."""
    with _viewer.transaction() as db:
        return current_organization(db).logo_version


def forget_logo(viewer: Viewer) -> None:
    """Read anew which logo the organisation has."""
    _logo_version.clear(viewer.organization_id, viewer)
