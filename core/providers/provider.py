"""What the product knows of an outside system, as one typed object.

Each system has a folder under ``core.providers`` whose module ``provider`` declares its
``PROVIDER``; ``core.providers.registry`` finds it. Everything else (screens, receiver, self-check,
samples, settings, tests) is derived from these declarations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.people.person_fields import PersonFields
from core.platform.settings import base_url
from core.providers.account import Check

if TYPE_CHECKING:  # a provider that is only asked needs no database
    from sqlalchemy.orm import Session

    from core.deliveries.models import WebhookConnection
    from core.deliveries.objects import State
    from core.providers.client import Client

Values = Mapping[str, str]
Payload = dict[str, Any]


class Use(StrEnum):
    """What a system is for here; lists of providers are sorted in this order."""

    BOOKINGS = "Bookings"
    PAYMENTS = "Payments"
    CRM = "CRM"
    PHONE = "Phone"
    TEXTS = "Text messages"
    INVOICES = "Invoices"
    EMAIL = "E-mail"
    REPORTS = "Reports"


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery: our rows changed, or it was genuine but nothing of ours, and
    ``ignored`` says why.
    """

    ignored: str | None = None


PROCESSED = Outcome()


def not_about(event_type: str | None, what: str) -> Outcome:
    """Of a delivery of a kind that nothing is made of here."""
    named = f"“{event_type}” is not about {what}" if event_type else "it does not say what happened"
    return Outcome(ignored=named)


@dataclass(frozen=True)
class NoConnection:
    """In place of the connection, of what an organisation without one has read by itself."""

    organization_id: UUID
    id: None = None
    external_account_id: None = None


@dataclass(frozen=True)
class Delivered:
    """A delivery as its provider's module works on it: what it says, or what was fetched for it,
    over which connection it came, and when.
    """

    connection: WebhookConnection | NoConnection
    payload: Payload
    arrived_at: datetime


Handle = Callable[["Session", Sequence[Delivered]], "Sequence[Outcome]"]


def one_by_one(handle: Callable[[Session, Delivered], Outcome]) -> Handle:
    """For a provider of which few deliveries come: handles a batch delivery by delivery."""

    def each(db: Session, batch: Sequence[Delivered]) -> Sequence[Outcome]:
        return [handle(db, delivered) for delivered in batch]

    return each


@dataclass(frozen=True)
class Sample:
    """A payload file that ``send-samples`` posts about one of its two imagined leads."""

    file: str
    lead: int = 0


class Address(StrEnum):
    """What a provider's webhooks have as the last part of their address."""

    CONNECTION = "connection"  # the connection's id
    SLUG = "slug"  # the organisation's slug; its oldest active connection of the provider is meant


@dataclass(frozen=True)
class Inbound:
    """How a provider's webhooks are received.

    ``verify`` (headers, body, secret, moment) raises BadSignature unless the body was signed with
    the secret within the tolerance around the moment. ``sign`` (body, secret, moment) returns the
    headers with which the provider would send the body. ``delivery_key`` (headers, body) is what
    makes two deliveries the same one; it stays the same when the provider retries. ``event_type``
    is the provider's own name of what happened. ``handle`` turns a batch of deliveries, in the
    order in which they arrived, into rows, and says of each what became of it: safe to repeat, in
    any order and in batches of any size; it raises when it cannot be done now.

    ``signing_hint`` says on the screen Connections what the signing secret looks like.
    ``check_secret`` raises InvalidInput for one that cannot be it, and ``mistaken_secrets`` are
    beginnings of what is often entered in its place, with the sentence that is shown then.
    ``headers`` are stored with a delivery, besides its content type and sender, and so are
    ``signature_headers``, but without the signatures. ``person_fields`` are the payload's fields
    that say who somebody is.

    ``as_json`` (body) is for a provider whose bodies are not JSON: a verified delivery is stored
    in the form that it returns, since erasing a person, redacting and reading all take JSON; it
    raises ValueError for a body that it cannot read. ``write`` (payload, secret) is the body that
    the provider would send. ``fetch`` (client, payload) is for deliveries that only name what they
    are about: it returns what ``handle`` is given instead of the payload. The client has the
    organisation's key, and no transaction is open. ``limited_status`` is the answer above the rate
    limit, for a provider that gives a delivery up after 429. ``address`` is what its address ends
    with.
    """

    verify: Callable[[Mapping[str, str], bytes, str, datetime], None]
    sign: Callable[[bytes, str, datetime], dict[str, str]]
    delivery_key: Callable[[Mapping[str, str], bytes], str]
    event_type: Callable[[Payload], str | None]
    handle: Handle
    signing_hint: str
    check_secret: Callable[[str], None] = lambda _: None
    mistaken_secrets: Values = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    signature_headers: tuple[str, ...] = ()
    person_fields: PersonFields = field(default_factory=PersonFields)
    samples: tuple[Sample, ...] = ()
    as_json: Callable[[bytes], bytes] = lambda body: body
    write: Callable[[Payload, str], bytes] = lambda payload, _: json.dumps(payload).encode()
    fetch: Callable[[Client, Payload], Any] | None = None
    limited_status: int = 429
    address: Address = Address.CONNECTION


@dataclass(frozen=True)
class Field:
    """Something that is no secret, but without which the provider cannot be asked. ``choices`` are
    all there are.
    """

    key: str
    label: str
    shape: str
    example: str = ""
    choices: Mapping[str, str] | None = None
    optional: bool = False


@dataclass(frozen=True)
class Credentials:
    """The key that an organisation enters, and what the provider is asked with.

    ``key_name`` is what the provider calls its key, ``where`` the place at which it is found.
    ``mistaken`` are beginnings of what is often entered in place of the key, with the sentence
    that is shown then; ``noted`` are beginnings of keys that come with a remark.
    ``text_sender`` is the field that says whom texts are from, for a provider that sends some.
    ``check_settings`` raises InvalidInput for fields that do not fit together. ``address`` chooses
    one of the provider's ``other_addresses``; None is its usual one.
    """

    key_name: str
    where: str
    check: Check
    headers: Callable[[str, Values], dict[str, str]]
    fields: tuple[Field, ...] = ()
    text_sender: str | None = None
    mistaken: Values = field(default_factory=dict)
    noted: Values = field(default_factory=dict)
    check_settings: Callable[[Values], None] = lambda _: None
    address: Callable[[Values], str | None] = lambda _: None


@dataclass(frozen=True)
class Walk:
    """What one run of a sync reads: everything from ``since`` on, or the rest of it behind
    ``cursor``, as the page says that was stored last. A ``whole`` one also reads again what is
    unchanged.
    """

    since: datetime
    cursor: Mapping[str, Any]
    whole: bool = False


@dataclass(frozen=True)
class Page:
    """A part of what a provider lists. ``cursor`` is where a walk goes on behind it, ``reached``
    says so to people. ``seen`` counts its objects, those included that are left out of ``rows`` for
    being unchanged. ``marks`` are remembered once every row is stored.
    """

    rows: Sequence[Payload]
    cursor: Mapping[str, Any]
    reached: str
    seen: int
    marks: Sequence[State] = ()


# The stored data of these objects of a kind, by id; no transaction stays open.
Known = Callable[[str, Sequence[str]], Mapping[str, Mapping[str, Any]]]
Pages = Callable[["Client", Values, Walk, Known], Iterator[Page]]
Store = Callable[["Session", Sequence[Payload], "WebhookConnection | NoConnection"], int]


@dataclass(frozen=True)
class Sync:
    """Something that is read from a provider again and again, or for any period.

    ``pages`` (client, settings, walk, known) asks the provider, page by page, while no transaction
    is open. ``store`` (db, rows, connection) makes of a page's rows what its webhooks would have
    made of them, and returns how many rows of ours changed; it is safe to repeat, in any order.
    It is run ``every`` so often, from ``overlap`` before the last run that came to its end, the
    first time from ``reach`` ago. With ``needs_connection`` its rows belong to the provider's only
    connection.
    """

    what: str
    label: str
    pages: Pages
    store: Store
    every: timedelta
    overlap: timedelta
    reach: timedelta
    needs_connection: bool = False


@dataclass(frozen=True)
class Crm:
    """How post-call forms reach a CRM. ``link`` is the events' column with the contact's id there.

    ``find_contact`` (client, settings, e-mail) returns the id of the contact with the address, and
    ``find_note`` (client, contact, mark) that of the contact's note which holds the mark; both None
    where there is none. ``add_note`` (client, contact, words) and ``edit_note`` (client, contact,
    note, words) write one of at most ``longest_note`` characters.
    """

    link: str
    find_contact: Callable[[Client, Values, str], str | None]
    find_note: Callable[[Client, str, str], str | None]
    add_note: Callable[[Client, str, str], None]
    edit_note: Callable[[Client, str, str, str], None]
    longest_note: int


@dataclass(frozen=True)
class Provider:
    """One outside system. ``name`` is its folder, the key in every row about it and, in capitals
    before ``_BASE_URL``, the setting that leads to a stand-in instead of ``address``.
    """

    name: str
    label: str
    use: Use
    address: str
    other_addresses: Values = field(default_factory=dict)
    inbound: Inbound | None = None
    credentials: Credentials | None = None
    syncs: tuple[Sync, ...] = ()
    crm: Crm | None = None

    def base_url(self, which: str | None = None) -> str:
        """Where it is reached; ``which`` names one of ``other_addresses``."""
        if which is None:
            return base_url(self.name) or self.address
        return base_url(f"{self.name}_{which}") or self.other_addresses[which]

    def base_urls(self) -> dict[str, str]:
        """Every address with the setting that changes it."""
        others = {
            setting_of(f"{self.name}_{which}"): self.base_url(which)
            for which in self.other_addresses
        }
        return {setting_of(self.name): self.base_url()} | others


def setting_of(name: str) -> str:
    """The setting that holds an address: ``stripe`` is reached at ``STRIPE_BASE_URL``."""
    return f"{name}_base_url".upper()
