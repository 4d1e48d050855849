"""Which fields of providers' payloads say who somebody is, as functions of the database."""

from __future__ import annotations

from core.people.person_fields import PersonFields
from core.platform.security.word_lists import word_list


def functions(fields: PersonFields) -> str:
    """What ``app.redacted`` empties in an object about an erased person: ``app.person_names``,
    ``app.person_details``, and ``app.person_objects`` inside it that are about the same person.
    """
    lists = {
        "person_names": fields.names,
        "person_details": fields.details,
        "person_objects": fields.persons,
    }
    return "\n".join(word_list(name, words, "so_worker") for name, words in lists.items())
