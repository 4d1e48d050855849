"""What a GoHighLevel key may do.

Facts: HighLevel API 2.0, locations; API 1.0, pipelines.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.platform.errors import InvalidInput
from core.providers.account import Account, name_in
from core.providers.client import Client


def check(client: Client, values: Mapping[str, str]) -> Account:
    """API 2.0 names the location. API 1.0 has no such question, so it is asked for what we need of
    it.
    """
    if values["api"] == "v2":
        return Account(
            name_in(
                client,
                client.get(f"/locations/{values['location_id']}"),
                "location.name",
                "location.id",
            )
        )
    client.get("/pipelines/")
    return Account(
        "a location",
        (
            (
                "API 1.0 is no longer supported by GoHighLevel. Make a private integration and use"
                " API 2.0."
            ),
        ),
    )


def check_settings(values: Mapping[str, str]) -> None:
    """API 2.0 needs the location. Raises InvalidInput."""
    if values["api"] == "v2" and "location_id" not in values:
        raise InvalidInput(
            "API 2.0 needs the location ID: GoHighLevel shows it in Settings → Business profile.",
            field="location_id",
        )
