"""What the pages of bookings, contacts and leads have in common: the tables of one person, the
timeline, and the fields in which a contact and a lead are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.bookings.models import CallStatus, EventOutcome
from core.bookings.schemas import EventItem
from core.money.models import PROCESSOR_LABELS
from core.money.schemas import PaymentItem
from core.people.contact_queries import PeopleLists
from core.people.contacts import LABELS, ContactDetails
from core.people.edits import ChangedMeanwhile
from core.people.leads import HIGHEST_SCORE, LeadDetails
from core.people.leads import LABELS as LEAD_LABELS
from core.people.models import LeadPriority, LeadStatus
from core.platform.errors import InvalidInput, SalesOpsError
from core.tenancy.access.viewers import Viewer
from core.ui.page import say
from core.ui.panels.payments import numbered_apart, payment_states
from core.ui.parts.columns import Moment, Money, Text, Word, headings
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.tables import table

Details = TypeVar("Details", ContactDetails, LeadDetails)
LeadWord = TypeVar("LeadWord", LeadStatus, LeadPriority)
EXAMPLES = {"custom_fields": "Shirt size: L", "external_ids": "hubspot: 12345"}


def payments_of_person(payments: pd.DataFrame, key: str, viewer: Viewer) -> None:
    """Payments with the reason why each belongs where it does."""
    heading = headings(PaymentItem)
    table(
        payments.assign(state=payment_states(payments)),
        key,
        opens="payment",
        download=False,
        card=("amount", "payment_date", "state"),
        columns=[
            Moment("payment_date", heading("payment_date"), viewer.timezone),
            Money("amount", heading("amount")),
            Word("processor", heading("processor"), PROCESSOR_LABELS),
            Text("state", "State"),
            Text("attribution_reason", "Why it is here"),
        ],
    )


def bookings_of_person(events: pd.DataFrame, key: str, viewer: Viewer) -> None:
    """A person's bookings, the latest first."""
    heading = headings(EventItem)
    table(
        events.assign(form=events["pcf_submitted"].map({True: "Filed"})),
        key,
        opens="event",
        download=False,
        card=("scheduled_at", "call_status", "closer"),
        columns=[
            Moment("scheduled_at", heading("scheduled_at"), viewer.timezone),
            Text("call_type", heading("call_type")),
            Text("closer", heading("closer")),
            Word("call_status", heading("call_status"), CallStatus),
            Word("event_outcome", heading("event_outcome"), EventOutcome),
            Text("form", "Form"),
        ],
    )


def show_timeline(
    lines: Sequence[Mapping[str, Any]], viewer: Viewer, about: Mapping[UUID, str] | None = None
) -> None:
    """What happened, a line each; ``about`` says of which of several things a line is."""
    st.subheader("Timeline")
    for line in lines:
        facts = (when(line["at"], viewer.timezone), (about or {}).get(line["subject_id"]))
        said = " · ".join(map(escape_markdown, filter(None, facts)))
        st.markdown(f"{escape_markdown(line['summary'])}  \n:gray[{said}]")


@dataclass
class Edit(Generic[Details]):
    """An edit that somebody has begun: what they began it over, and the mark of its fields."""

    before: Details
    mark: str


def begun(place: str, read: Details, *, label: str = "Edit") -> Edit[Details] | None:
    """The edit that the reader has begun here, with the button that begins one over what was
    ``read``; None before.
    """
    if place not in st.session_state and st.button(label, key=f"{place} begin"):
        st.session_state[place] = Edit(read, uuid4().hex)
        st.rerun()
    edit: Edit[Details] | None = st.session_state.get(place)
    return edit


def end(place: str) -> None:
    """The edit is done or given up."""
    st.session_state.pop(place, None)


def sent(
    edit: Edit[Details], place: str, draw: Callable[[], Callable[[], Details]], *, label: str
) -> Callable[[], Details] | None:
    """A form with what ``draw`` draws, which returns what reads the fields; that, in the run in
    which the form was sent.
    """
    with st.form(edit.mark):
        typed = draw()
        save, cancel = st.columns(2)
        is_saved = save.form_submit_button(label, type="primary", width="stretch")
        is_given_up = cancel.form_submit_button("Cancel", width="stretch")
    if is_given_up:
        end(place)
        st.rerun()
    return typed if is_saved else None


@contextmanager
def saving(
    viewer: Viewer, place: str, current: Details, lists: PeopleLists, done: str
) -> Iterator[Session]:
    """A transaction that saves the edit. A mistake is shown and what was typed stays; where
    somebody else has changed the same, it is shown what it is now, and saving again replaces it.
    """
    try:
        with viewer.transaction() as db:
            yield db
    except ChangedMeanwhile as error:
        labels = LABELS if isinstance(current, ContactDetails) else LEAD_LABELS
        st.error(escape_markdown(error.message))
        for name in error.fields:
            now = _in_words(getattr(current, name), lists) or "empty"
            st.text(f"{labels[name]} is now: {now}")
        edit: Edit[Details] = st.session_state[place]
        # only these: the other fields still show what they did when the edit was begun
        edit.before = replace(
            edit.before, **{each: getattr(current, each) for each in error.fields}
        )
        st.stop()
    except SalesOpsError as error:
        st.error(
            f"{escape_markdown(error.message)} Nothing was saved; what you typed is still here."
        )
        st.stop()
    end(place)
    say(done)


def _in_words(value: Any, lists: PeopleLists) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return _lines_of(value)
    known = lists.sources | lists.traffic_types | lists.owners
    return known.get(value, "") if isinstance(value, UUID) else str(value or "")


def contact_fields(
    details: ContactDetails, lists: PeopleLists, tags: Sequence[str], viewer: Viewer, mark: str
) -> Callable[[], ContactDetails]:
    """The fields of a contact, begun with ``details``; what is called for the details as typed
    raises InvalidInput for a line that cannot be read.
    """
    texts = _texts(details, ("name", "company"), mark)
    emails = _lines(
        "E-mail addresses, one per line, main one first",
        details.emails,
        "emails",
        mark,
        # an existing contact has a name, an address or a number
        disabled=not viewer.is_manager and details != ContactDetails(),
        help=None if viewer.is_manager else "A manager changes addresses, or adds a known one.",
    )
    phones = _lines("Phone numbers, one per line, main one first", details.phones, "phones", mark)
    source_id = _choice(LABELS["source_id"], details.source_id, lists.sources, f"source {mark}")
    chosen = st.multiselect(
        LABELS["tags"],
        sorted({*tags, *details.tags}, key=str.lower),
        default=list(details.tags),
        accept_new_options=True,
        placeholder="Choose or type",
        key=f"tags {mark}",
    )
    owner_user_id = _owner(details, lists, viewer, mark)
    with st.expander("Address, other facts and IDs"):
        texts |= _texts(details, ("address", "city", "country"), mark)
        more = {
            name: st.text_area(
                f"{LABELS[name]}, one per line",
                _lines_of(getattr(details, name)),
                placeholder=example,
                key=f"{name} {mark}",
            )
            for name, example in EXAMPLES.items()
        }

    def typed() -> ContactDetails:
        written: dict[str, Any] = {name: text.strip() or None for name, text in texts.items()}
        written |= {name: _pairs(text, LABELS[name]) for name, text in more.items()}
        return ContactDetails(
            **written,
            emails=_split(emails),
            phones=_split(phones),
            source_id=source_id,
            tags=tuple(chosen),
            owner_user_id=owner_user_id,
        )

    return typed


def lead_fields(
    details: LeadDetails, lists: PeopleLists, viewer: Viewer, mark: str
) -> Callable[[], LeadDetails]:
    """The fields of a lead, begun with ``details``; what is called for the details as typed raises
    InvalidInput for a score that is no number.
    """
    first, second = st.columns(2)
    with first:
        status = _word("status", LeadStatus(details.status), mark)
        label = LEAD_LABELS["source_id"]
        source_id = _choice(label, details.source_id, lists.sources, f"source {mark}")
    with second:
        priority = _word("priority", LeadPriority(details.priority), mark)
        label = LEAD_LABELS["traffic_type_id"]
        kind = _choice(label, details.traffic_type_id, lists.traffic_types, f"traffic {mark}")
    owner_user_id = _owner(details, lists, viewer, mark)
    label = LEAD_LABELS["qualification_summary"]
    summary = st.text_area(label, details.qualification_summary or "", key=f"summary {mark}")
    score = st.text_input(
        f"Score, 0 to {HIGHEST_SCORE}",
        "" if details.score is None else str(details.score),
        key=f"score {mark}",
    )
    texts = _texts(details, ("company", "city", "external_id"), mark)
    is_spam = st.checkbox("This is spam", value=details.is_spam, key=f"spam {mark}")

    def typed() -> LeadDetails:
        return LeadDetails(
            status=status,
            priority=priority,
            source_id=source_id,
            traffic_type_id=kind,
            owner_user_id=owner_user_id,
            is_spam=is_spam,
            score=_score(score),
            qualification_summary=summary.strip() or None,
            **{name: text.strip() or None for name, text in texts.items()},
        )

    return typed


def _texts(
    details: ContactDetails | LeadDetails, names: Sequence[str], mark: str
) -> dict[str, str]:
    """A field for each of these texts of a contact or a lead."""
    labels = LABELS if isinstance(details, ContactDetails) else LEAD_LABELS
    return {
        name: st.text_input(labels[name], getattr(details, name) or "", key=f"{name} {mark}")
        for name in names
    }


def _word(name: str, chosen: LeadWord, mark: str) -> LeadWord:
    """One of the words of a lead's field."""
    words = list(type(chosen))
    picked = st.selectbox(
        LEAD_LABELS[name],
        words,
        index=words.index(chosen),
        format_func=lambda each: each.label,
        key=f"{name} {mark}",
    )
    return picked or chosen


def _owner(
    details: ContactDetails | LeadDetails, lists: PeopleLists, viewer: Viewer, mark: str
) -> UUID | None:
    """Whose the record is, which only a manager changes."""
    if not viewer.is_manager:
        return details.owner_user_id
    return _choice(LABELS["owner_user_id"], details.owner_user_id, lists.owners, f"owner {mark}")


def _choice(label: str, chosen: UUID | None, options: Mapping[UUID, str], key: str) -> UUID | None:
    """One entry of a list, or none; an entry that is no longer offered stays while it is chosen.
    Entries of the same name are numbered.
    """
    listed = [*options, *([chosen] if chosen is not None and chosen not in options else [])]
    names = numbered_apart([options.get(each, "No longer in use") for each in listed])
    labels = dict(zip(listed, names, strict=True))
    return st.selectbox(
        label,
        listed,
        index=listed.index(chosen) if chosen is not None else None,
        format_func=labels.__getitem__,
        placeholder="None",
        key=key,
    )


def _lines(label: str, values: Sequence[str], name: str, mark: str, **shown: Any) -> str:
    return st.text_area(label, "\n".join(values), key=f"{name} {mark}", height=68, **shown)


def _split(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _lines_of(pairs: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs.items())


def _pairs(text: str, label: str) -> dict[str, str]:
    pairs = {}
    for line in _split(text):
        name, colon, value = line.partition(":")
        if not (colon and name.strip() and value.strip()):
            raise InvalidInput(f"{label}: write “{line}” as a name, a colon and a value.")
        pairs[name.strip()] = value.strip()
    return pairs


def _score(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_SCORE))):
        raise InvalidInput(f"A score is a number from 0 to {HIGHEST_SCORE}.", field="score")
    return int(text)


def preview(details: ContactDetails, lists: PeopleLists) -> dict[str, str]:
    """What is known of a contact, in words by the labels of the fields."""
    return {
        LABELS[each.name]: words
        for each in fields(details)
        if (words := _in_words(getattr(details, each.name), lists))
    }
