"""Ids from the address bar: anybody can write anything there."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

ORGANIZATION = "organization"  # that the page belongs to


def id_from_address(name: str = "id") -> UUID | None:
    """The id under ``name``, or None for none or nonsense."""
    try:
        return UUID(st.query_params.get(name, ""))
    except ValueError:
        return None
