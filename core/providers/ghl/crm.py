"""A contact and its notes at GoHighLevel.

Facts: HighLevel API 2.0, contacts and notes. A contact is only ever looked up and never made or
upserted, since an upsert may take another contact's address.
"""

from __future__ import annotations

from core.platform.errors import Misconfigured
from core.providers.account import at
from core.providers.client import Client
from core.providers.provider import Crm, Values


def _find_contact(client: Client, values: Values, email: str) -> str | None:
    """The contact with this address; GoHighLevel answers with one, also where several have it."""
    if values["api"] != "v2":
        raise Misconfigured("Post-call forms go to GoHighLevel over API 2.0: enter a key for it.")
    answer = client.get("/contacts/search/duplicate", locationId=values["location_id"], email=email)
    return at(answer, "contact.id")


def _find_note(client: Client, contact_id: str, mark: str) -> str | None:
    notes = at(client.get(f"/contacts/{contact_id}/notes"), "notes") or []
    marked = (note["id"] for note in notes if mark in (note.get("body") or ""))
    return next(marked, None)


def _add_note(client: Client, contact_id: str, words: str) -> None:
    client.request("POST", f"/contacts/{contact_id}/notes", json={"body": words})


def _edit_note(client: Client, contact_id: str, note_id: str, words: str) -> None:
    path = f"/contacts/{contact_id}/notes/{note_id}"
    client.request("PUT", path, repeatable=True, json={"body": words})


CRM = Crm(
    link="ghl_contact_id",
    find_contact=_find_contact,
    find_note=_find_note,
    add_note=_add_note,
    edit_note=_edit_note,
    longest_note=5_000,
)
