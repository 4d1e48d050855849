"""What Calendly says of one invitee. Which fields are read, which are not, and why: FIELDS.md.

Every field may be missing, null or of another shape than documented. What cannot be understood says
nothing, so that a delivery is never lost for its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.bookings.models import Party
from core.deliveries.objects import Kept
from core.providers.values import mapping, moment, word

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
PARTIES = {"invitee": Party.GUEST, "host": Party.HOST}
# What is stored of an invitee: what is read below, and no more of a person than our rows say.
KEPT: Kept = {
    **dict.fromkeys(
        (
            "uri",
            "event",
            "cancel_url",
            "reschedule_url",
            "name",
            "first_name",
            "last_name",
            "email",
            "text_reminder_number",
            "status",
            "canceled",
            "created_at",
            "updated_at",
            "rescheduled",
            "old_invitee",
            "new_invitee",
            "tracking",
            "questions_and_answers",
            "routing_form_submission",
            "payment",
        )
    ),
    "cancellation": dict.fromkeys(("created_at", "canceled_by", "canceler_type", "reason")),
    "scheduled_event": {
        **dict.fromkeys(("uri", "name", "start_time", "end_time", "event_type", "created_at")),
        "location": dict.fromkeys(("type", "location", "join_url")),
        "event_memberships": dict.fromkeys(("user", "user_email", "user_name")),
    },
}


def invitee_id(invitee: Mapping[str, Any]) -> str | None:
    """The invitee's own id, which also ends the addresses where the booking is changed."""
    named = (invitee.get(name) for name in ("uri", "cancel_url", "reschedule_url"))
    return next((found for each in named if (found := reference(each))), None)


def reference(value: Any) -> str | None:
    """The id at the end of an address, also of an object that has one."""
    address = word(mapping(value).get("uri") if isinstance(value, dict) else value)
    return address.rstrip("/").rpartition("/")[2] or None if address else None


def is_canceled(invitee: Mapping[str, Any]) -> bool:
    """Whether the state is a cancelled one; older deliveries have a flag for it."""
    status = (word(invitee.get("status")) or "").lower()
    return status in ("canceled", "cancelled") or invitee.get("canceled") is True


def read(invitee: Mapping[str, Any]) -> dict[str, Any]:
    """The state in our words, without what it does not say."""
    meeting, gone = mapping(invitee.get("scheduled_event")), mapping(invitee.get("cancellation"))
    found = {
        "id": invitee_id(invitee),
        "name": word(invitee.get("name")) or _full_name(invitee),
        "email": word(invitee.get("email")),
        "phone": _number_to_ring(meeting) or word(invitee.get("text_reminder_number")),
        "created_at": moment(invitee.get("created_at")) or moment(meeting.get("created_at")),
        "updated_at": moment(invitee.get("updated_at")),
        "replaces": reference(invitee.get("old_invitee")),
        "replaced_by": reference(invitee.get("new_invitee")),
        "moved": invitee.get("rescheduled") is True or bool(reference(invitee.get("new_invitee"))),
        "utm": tracking(invitee.get("tracking")),
        "answers": answers(invitee.get("questions_and_answers")),
        "form": reference(invitee.get("routing_form_submission")),
        "payment": mapping(invitee.get("payment")),
        "canceled": is_canceled(invitee),
        "canceled_at": moment(gone.get("created_at")),
        "canceled_by": word(gone.get("canceled_by")),
        "canceled_party": PARTIES.get(word(gone.get("canceler_type")) or ""),
        "cancel_reason": word(gone.get("reason")),
        "starts_at": moment(meeting.get("start_time")),
        "ends_at": moment(meeting.get("end_time")),
        "call_type": word(meeting.get("name")),
        "call_type_uri": _address(meeting.get("event_type")),
        "meeting": reference(invitee.get("scheduled_event")) or reference(invitee.get("event")),
        "url": _link(meeting.get("location")),
        "hosts": list(_hosts(meeting.get("event_memberships"))),
    }
    return {name: value for name, value in found.items() if value}


def tracking(value: Any) -> dict[str, str]:
    """The UTM values that there are."""
    said = mapping(value)
    return {part: text for part in UTM if (text := word(said.get(part)))}


def answers(value: Any) -> list[dict[str, Any]]:
    """The questions of the booking form that were answered."""
    given = [mapping(each) for each in (value if isinstance(value, list) else [])]
    return [
        {"question": asked, "answer": answer, "position": each.get("position")}
        for each in given
        if (asked := word(each.get("question"))) and (answer := _answer(each.get("answer")))
    ]


def _answer(value: Any) -> str | None:
    if isinstance(value, list):
        return "\n".join(each for part in value if (each := word(part))) or None
    return str(value) if isinstance(value, float | bool) else word(value)


def _full_name(invitee: Mapping[str, Any]) -> str | None:
    parts = (word(invitee.get("first_name")), word(invitee.get("last_name")))
    return " ".join(part for part in parts if part) or None


def _number_to_ring(meeting: Mapping[str, Any]) -> str | None:
    """The lead's number, in a meeting by phone where the host rings. Where the lead rings, the
    number is the host's.
    """
    place = mapping(meeting.get("location"))
    return word(place.get("location")) if place.get("type") == "outbound_call" else None


def _link(place: Any) -> str | None:
    """Where the meeting is joined: a conference's link, or one that stands in for a place."""
    named = mapping(place)
    texts = (named.get("join_url"), named.get("location"), place)
    links = (text for each in texts if isinstance(each, str) and (text := each.strip()))
    return next((link for link in links if link.startswith(("https://", "http://"))), None)


def _address(value: Any) -> str | None:
    return word(mapping(value).get("uri") if isinstance(value, dict) else value)


def _hosts(value: Any) -> Iterable[dict[str, str | None]]:
    members = value if isinstance(value, list) else [value]
    for member in members:
        named = mapping(member)
        user = mapping(named.get("user"))
        host = {
            "uri": _address(named.get("user") if named else member),
            "email": word(named.get("user_email")) or word(user.get("email")),
            "name": word(named.get("user_name")) or word(user.get("name")),
        }
        if any(host.values()):
            yield host
