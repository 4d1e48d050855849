"""What the pages of bookings, contacts and leads have in common: the tables of one person, the
timeline, and the fields in which a contact and a lead are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st

from core.money.models import PROCESSOR_LABELS
from core.money.schemas import PaymentItem
from core.people.contact_queries import PeopleLists
from core.people.contacts import LABELS, TEXTS, ContactDetails
from core.people.leads import HIGHEST_SCORE, LeadDetails
from core.people.leads import LABELS as LEAD_LABELS
from core.people.leads import TEXTS as LEAD_TEXTS
from core.people.models import LeadPriority, LeadStatus
from core.platform.errors import InvalidInput
from core.platform.labels import NONE, LabelledEnum
from core.platform.phones import shown_phone
from core.tenancy.access.viewers import Viewer
from core.ui.panels.booking_list import booking_columns, with_forms
from core.ui.panels.payments import counting_net, numbered_apart, payment_states
from core.ui.parts.columns import Moment, Money, Sentence, Text, Word, headings
from core.ui.parts.format import escape_markdown, when, word
from core.ui.parts.forms import Form, shown_value
from core.ui.parts.tables import table

OF_PERSON = ("scheduled_at", "call_type", "closer", "call_status", "event_outcome", "form")
WORDS: dict[str, type[LabelledEnum]] = {"status": LeadStatus, "priority": LeadPriority}
LINES = {
    "emails": "E-mail addresses, one per line, main one first",
    "phones": "Phone numbers, one per line, main one first",
}
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
            Sentence("attribution_reason", "Why it is here"),
        ],
    )


def payments_of_rep(payments: pd.DataFrame, key: str, viewer: Viewer) -> None:
    """Payments that a closer or setter is credited with, with who paid."""
    heading = headings(PaymentItem)
    table(
        payments.assign(state=payment_states(payments), net_revenue=counting_net(payments)),
        key,
        opens="payment",
        card=("customer_name", "amount", "payment_date", "state"),
        columns=[
            Moment("payment_date", heading("payment_date"), viewer.timezone),
            Text("customer_name", "Customer"),
            Money("amount", heading("amount")),
            Money("net_revenue", heading("net_revenue")),
            Text("state", "State"),
        ],
    )


def bookings_of_person(events: pd.DataFrame, key: str, viewer: Viewer) -> None:
    """A person's bookings, the latest first."""
    table(
        with_forms(events),
        key,
        opens="event",
        download=False,
        card=("scheduled_at", "call_status", "closer"),
        columns=booking_columns(viewer, OF_PERSON),
    )


def show_timeline(
    lines: Sequence[Mapping[str, Any]], viewer: Viewer, about: Mapping[UUID, str] | None = None
) -> None:
    """What happened, a line each; ``about`` says of which of several things a line is. Nothing
    where the viewer may see no line.
    """
    if not lines:
        return
    st.subheader("Timeline")
    for line in lines:
        facts = (when(line["at"], viewer.timezone), (about or {}).get(line["subject_id"]))
        said = " · ".join(map(escape_markdown, filter(None, facts)))
        st.markdown(f"{escape_markdown(line['summary'])}  \n:gray[{said}]")


def in_words(lists: PeopleLists) -> Callable[[str, Any], str]:
    """How people read a value of a contact's or a lead's field."""
    known = lists.sources | lists.traffic_types | lists.owners

    def shown(name: str, value: Any) -> str:
        if name in WORDS:
            return word(value, WORDS[name])
        if name == "phones":
            return ", ".join(_shown_phones(value, lists)) or NONE
        if isinstance(value, tuple):
            return ", ".join(value) or NONE
        if isinstance(value, Mapping):
            return _lines_of(value) or NONE
        return known.get(value, NONE) if isinstance(value, UUID) else shown_value(name, value)

    return shown


def contact_fields(form: Form, lists: PeopleLists, tags: Sequence[str], viewer: Viewer) -> None:
    """The fields of a contact, with the values that the form replaces."""
    has = form.read
    _texts(form, ("name", "company"), LABELS)
    # payments follow addresses; an existing contact has a name, an address or a number
    is_closed = not viewer.is_manager and any(has[name] for name in ("name", *LINES))
    hint = None if viewer.is_manager else "A manager adds and changes addresses."
    lines = {"emails": has["emails"], "phones": _shown_phones(has["phones"], lists)}
    for name, label in LINES.items():
        closed = {"disabled": is_closed, "help": hint} if name == "emails" else {}
        form.field(name, label, st.text_area, value="\n".join(lines[name]), height=68, **closed)
    _choice(form, "source_id", LABELS["source_id"], lists.sources)
    form.field(
        "tags",
        LABELS["tags"],
        st.multiselect,
        options=sorted({*tags, *has["tags"]}, key=str.lower),
        default=list(has["tags"]),
        accept_new_options=True,
        placeholder="Choose or type",
    )
    _owner(form, lists, viewer)
    aside = ("address", "city", "country")
    # a refusal that stands at one of them would be hidden otherwise
    is_open = form.is_refused_at(*aside, *EXAMPLES)
    with st.expander("Address, other facts and IDs", expanded=is_open):
        _texts(form, aside, LABELS)
        for name, example in EXAMPLES.items():
            label = f"{LABELS[name]}, one per line"
            text = _lines_of(has[name])
            form.field(name, label, st.text_area, value=text, placeholder=example)


def _shown_phones(phones: Sequence[str], lists: PeopleLists) -> list[str]:
    return [shown_phone(each, lists.region) for each in phones]


def typed_contact(form: Form) -> ContactDetails:
    """The contact as it was typed. Raises InvalidInput for a line that cannot be read."""
    typed = form.read | form.typed
    read = {name: typed[name].strip() or None for name in TEXTS}
    read |= {name: _split(typed[name]) for name in LINES}
    read |= {name: _pairs(typed[name], name) for name in EXAMPLES}
    return ContactDetails(**typed | read | {"tags": tuple(typed["tags"])})


def lead_fields(form: Form, lists: PeopleLists, viewer: Viewer) -> None:
    """The fields of a lead, with the values that the form replaces."""
    has = form.read
    first, second = st.columns(2)
    with first:
        _word(form, "status")
        _choice(form, "source_id", LEAD_LABELS["source_id"], lists.sources)
    with second:
        _word(form, "priority")
        label = LEAD_LABELS["traffic_type_id"]
        _choice(form, "traffic_type_id", label, lists.traffic_types)
    _owner(form, lists, viewer)
    name = "qualification_summary"
    form.field(name, LEAD_LABELS[name], st.text_area, value=has[name] or "")
    score = "" if has["score"] is None else str(has["score"])
    form.field("score", f"Score, 0 to {HIGHEST_SCORE}", st.text_input, value=score)
    _texts(form, LEAD_TEXTS, LEAD_LABELS)
    form.field("is_spam", "This is spam", st.checkbox, value=has["is_spam"])


def typed_lead(form: Form) -> LeadDetails:
    """The lead as it was typed. Raises InvalidInput for a score that is no number."""
    typed = form.read | form.typed
    read = {name: typed[name] for name in LEAD_LABELS}
    read |= {name: typed[name].strip() or None for name in (*LEAD_TEXTS, "qualification_summary")}
    return LeadDetails(**read | {"score": _score(typed["score"])})


def _texts(form: Form, names: Sequence[str], labels: Mapping[str, str]) -> None:
    for name in names:
        form.field(name, labels[name], st.text_input, value=form.read[name] or "")


def _word(form: Form, name: str) -> None:
    """One of the words of a lead's field."""
    words = list(WORDS[name])
    form.field(
        name,
        LEAD_LABELS[name],
        st.selectbox,
        options=words,
        index=words.index(WORDS[name](form.read[name])),
        format_func=lambda each: each.label,
    )


def _owner(form: Form, lists: PeopleLists, viewer: Viewer) -> None:
    """Whose the record is, which only a manager changes."""
    if viewer.is_manager:
        _choice(form, "owner_user_id", LABELS["owner_user_id"], lists.owners)


def _choice(form: Form, name: str, label: str, options: Mapping[UUID, str]) -> None:
    """One entry of a list, or none; an entry that is no longer offered stays while it is chosen.
    Entries of the same name are numbered.
    """
    chosen = form.read[name]
    listed = [*options, *([chosen] if chosen is not None and chosen not in options else [])]
    names = numbered_apart([options.get(each, "No longer in use") for each in listed])
    form.field(
        name,
        label,
        st.selectbox,
        options=listed,
        index=listed.index(chosen) if chosen is not None else None,
        format_func=dict(zip(listed, names, strict=True)).__getitem__,
        placeholder="None",
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _lines_of(pairs: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs.items())


def _pairs(text: str, field: str) -> dict[str, str]:
    pairs = {}
    for line in _split(text):
        name, colon, value = line.partition(":")
        if not (colon and name.strip() and value.strip()):
            raise InvalidInput(
                f"{LABELS[field]}: write “{line}” as a name, a colon and a value.", field=field
            )
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
    shown = in_words(lists)
    said = {label: shown(name, getattr(details, name)) for name, label in LABELS.items()}
    return {label: words for label, words in said.items() if words != NONE}
