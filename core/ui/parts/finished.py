"""Charts that are drawn once and shown again as they are.

Plotly builds and checks a figure in some ten milliseconds, and a screen draws all of its charts
anew at each click. What a chart shows follows from what it is given alone, so the same numbers need
no second drawing, whoever looks, but one for each way of writing them.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec

import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from core.platform.notation import notation

REMEMBERED = 500
Given = ParamSpec("Given")


class FinishedFigure(BaseFigure):
    """A figure as it was handed to the browser before; it cannot be changed any more."""

    def __init__(self, drawn: dict[str, Any]) -> None:
        object.__setattr__(self, "_drawn", drawn)

    def to_dict(self) -> dict[str, Any]:
        """What Plotly's own figures return, ready for JSON. Not to be changed: others show it."""
        drawn: dict[str, Any] = self._drawn
        return drawn


def finished(draw: Callable[Given, go.Figure]) -> Callable[Given, FinishedFigure]:
    """Remember the charts that ``draw`` makes, which must depend on its arguments alone."""

    @lru_cache(REMEMBERED)
    def drawn(given: bytes) -> FinishedFigure:
        args, named, _ = pickle.loads(given)  # noqa: S301 - written a moment ago, by this process
        return FinishedFigure(draw(*args, **named).to_dict())

    @wraps(draw)
    def shown(*args: Given.args, **named: Given.kwargs) -> FinishedFigure:
        return drawn(pickle.dumps((args, named, notation())))

    return shown
