"""The tables of a screen, as the server sends them to the part that draws them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest


@dataclass(frozen=True)
class Grid:
    """One table: what is drawn of it."""

    data: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """The columns that are shown, in their order."""
        return [column["name"] for column in self.data["columns"]]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The texts of each row by column."""
        return [
            dict(zip(self.names, map(text_of, row["cells"]), strict=True))
            for row in self.data["rows"]
        ]

    @property
    def targets(self) -> list[str | None]:
        """What each row opens."""
        return [row["href"] for row in self.data["rows"]]

    def leads(self, name: str) -> list[str]:
        """Where the links on the numbers of a column lead."""
        place = self.names.index(name)
        return [row["cells"][place]["links"][0]["href"] for row in self.data["rows"]]

    def ways(self, label: str) -> list[str]:
        """Where the link with this label leads in each row."""
        links = ({way["label"]: way["href"] for way in row} for row in self._links())
        return [each[label] for each in links if label in each]

    def _links(self) -> list[list[dict[str, str]]]:
        return [
            [
                way
                for cell in row["cells"]
                if not isinstance(cell, str)
                for way in cell.get("links", ())
            ]
            for row in self.data["rows"]
        ]

    @property
    def card(self) -> list[str]:
        """The columns that a phone shows, the headline first."""
        return [self.names[place] for place in self.data["card"]]

    def column(self, name: str) -> list[str]:
        """The texts of one column."""
        return [row[name] for row in self.rows]


def text_of(cell: str | dict[str, Any]) -> str:
    """What a cell says; a bar has its text beside it."""
    return cell if isinstance(cell, str) else cell["text"]


def grids(page: AppTest) -> list[Grid]:
    """Every table of the page, from the top."""
    parts = (json.loads(each.proto.json) for each in page.get("bidi_component"))
    return [Grid(data) for data in parts if "columns" in data]


def grid(page: AppTest, *names: str) -> Grid:
    """The one that has these columns."""
    found = [each for each in grids(page) if set(names) <= set(each.names)]
    assert len(found) == 1, [each.names for each in grids(page)]
    return found[0]


def all_rows(page: AppTest) -> list[dict[str, str]]:
    """The rows of every table of the page."""
    return [row for each in grids(page) for row in each.rows]
