"""What was asked for on a page with many forms, done once the page is drawn: a refusal then takes
nothing away that stands below its form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from core.tenancy.access.viewers import Viewer
from core.ui.page import act


@dataclass(frozen=True)
class Action:
    """``place`` is where a refusal is shown, or ``fields`` has the place below the field that it
    names; ``done`` is what is announced after a success.
    """

    place: DeltaGenerator
    do: Callable[[Session], Any]
    done: str = ""
    fields: Mapping[str, DeltaGenerator] = field(default_factory=dict)

    def run(self, viewer: Viewer) -> Any:
        """Do it in a transaction of its own; returns what it makes. A refusal ends the page."""
        with self.place, act(viewer, self.done, places=self.fields) as db:
            return self.do(db)
