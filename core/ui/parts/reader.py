"""Whoever reads the page of this run, for the parts of which each person has their own."""

from __future__ import annotations

from contextvars import ContextVar

from core.tenancy.access.viewers import Viewer

_reader: ContextVar[Viewer | None] = ContextVar("who reads the page of this run", default=None)


def reader() -> Viewer | None:
    """The viewer whom the page let in (``core.ui.page.require``); None on a page for everybody."""
    return _reader.get()


def page_is_read_by(viewer: Viewer | None) -> None:
    """Called by the frame of the pages."""
    _reader.set(viewer)
