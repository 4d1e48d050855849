"""Contacts as people write them: created, changed, and found to be one person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from core.people.edits import own_records_only, require_editor
from core.people.models import Contact, ContactEmail, Source
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.platform.database import organization_id_of
from core.platform.edits import merged
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.platform.normalization import fold, normalize_email, normalize_phone
from core.platform.phones import typed_phones
from core.tenancy.access.models import AccessSettings, OrganizationMember
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization, settings_of

LONGEST, MOST = 500, 50  # characters of a value, and values of one field


@dataclass(frozen=True)
class ContactDetails:
    """What people write about a contact. Of several addresses and numbers the first is the one that
    is used.
    """

    name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    company: str | None = None
    address: str | None = None
    city: str | None = None
    country: str | None = None
    source_id: UUID | None = None
    tags: tuple[str, ...] = ()
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
    owner_user_id: UUID | None = None


LABELS = {
    "name": "Name",
    "emails": "E-mail",
    "phones": "Phone",
    "company": "Company",
    "address": "Address",
    "city": "City",
    "country": "Country",
    "source_id": "Source",
    "tags": "Tags",
    "custom_fields": "Other facts",
    "external_ids": "IDs in other systems",
    "owner_user_id": "Owner",
}
TEXTS = ("name", "company", "address", "city", "country")
PLAIN = (*TEXTS, "source_id", "owner_user_id")


def create_contact(db: Session, details: ContactDetails, by: Viewer) -> Contact:
    """Create a contact. It belongs to whom the details name, else to ``by`` unless they see every
    contact. What somebody below manager enters as its addresses waits for a manager, whether or not
    anybody has them, so that nobody learns whom the organisation knows. A payment and a booking of
    one address belong together without a contact; where there are several, the caller has their
    payments attributed anew (``core.money.contacts``).

    Raises:
        NotAllowed: ``by`` changes no records, or names somebody else as the owner.
        InvalidInput: nothing says who it is, or a value cannot be read; ``field`` names it.
        Conflict: an address is another contact's.
    """
    require_editor(by)
    owner = owner_of_new(db, by)
    details = replace(
        details,
        owner_user_id=details.owner_user_id or owner,
        phones=_typed_phones(db, details.phones, known=()),
    )
    checked = _checked(db, details, by, owner_before=owner)
    lock_books(db)
    contact = Contact(organization_id=organization_id_of(db), id=uuid4())
    _fill(contact, {each: getattr(checked, each) for each in LABELS})
    if not by.is_manager:
        contact.asked_emails = list(checked.emails)
        checked = replace(checked, emails=())
    with own_records_only():
        db.add(contact)
        db.flush()
        _set_reach(db, contact, checked)
    asks = "; a manager is asked to add the addresses" if contact.asked_emails else ""
    note_of_contact(db, contact.id, f"Contact created {by.signature}{asks}", by)
    return contact


def change_contact(
    db: Session, contact_id: UUID, before: ContactDetails, after: ContactDetails, by: Viewer
) -> Contact:
    """Change what differs between ``before``, as ``by`` read it, and ``after``. Where addresses do,
    the caller has their payments attributed anew (``core.money.contacts``). A new number has to be
    one; those that were there stay as they are written, whatever brought them.

    Raises:
        NotFound: no such contact for ``by``.
        NotAllowed, InvalidInput, Conflict: like ``create_contact``; only a manager changes the
        owner and the addresses, since payments follow them.
        Changed: somebody else has changed the same field.
    """
    require_editor(by)
    contact = contact_to_change(db, contact_id)
    now = details_of(db, contact)
    after = replace(after, phones=_typed_phones(db, after.phones, known=before.phones))
    edited = ContactDetails(**merged(vars(now), vars(after), vars(before)))
    changed = [name for name in LABELS if getattr(edited, name) != getattr(now, name)]
    if "emails" in changed and not by.is_manager:
        raise InvalidInput(
            "A manager changes e-mail addresses, since payments follow them.", field="emails"
        )
    checked = _checked(db, edited, by, owner_before=now.owner_user_id)
    if not changed:
        return contact
    _fill(contact, {name: getattr(checked, name) for name in changed})
    with own_records_only():
        db.flush()
        if {"emails", "phones"} & set(changed):
            _set_reach(db, contact, checked)
    listed = ", ".join(LABELS[name].lower() for name in changed)
    note_of_contact(db, contact.id, f"Contact changed {by.signature}: {listed}", by)
    return contact


def contact_to_change(db: Session, contact_id: UUID) -> Contact:
    """The contact, locked. Raises NotFound for one that is merged or erased, too."""
    lock_books(db)
    wanted = select(Contact).where(
        Contact.id == contact_id, Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
    )
    found = db.scalars(wanted.with_for_update().execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound("There is no such contact.")
    return found


def details_of(db: Session, contact: Contact) -> ContactDetails:
    """The contact as people write it."""
    reach = contact_reach(db, contact.id)
    return ContactDetails(
        **{name: getattr(contact, name) for name in PLAIN},
        emails=reach["email"],
        phones=reach["phone"],
        tags=tuple(contact.tags or ()),
        custom_fields=dict(contact.custom_fields or {}),
        external_ids=dict(contact.external_ids or {}),
    )


def find_contact(db: Session, email: str | None) -> Contact | None:
    """The contact with this address, as far as the caller may see it."""
    normalized = normalize_email(email)
    if normalized is None:
        return None
    theirs = select(ContactEmail.contact_id).where(ContactEmail.email_normalized == normalized)
    wanted = select(Contact).where(
        or_(Contact.id.in_(theirs), Contact.email_normalized == normalized),
        Contact.merged_into_id.is_(None),
    )
    return db.scalars(wanted.order_by(Contact.created_at, Contact.id)).first()


def contact_reach(db: Session, contact_id: UUID) -> dict[str, tuple[str, ...]]:
    """Every address (``email``) and number (``phone``) of a contact, the first ones first; none of
    a contact that is not the caller's.
    """
    reach = func.app.contact_reach(contact_id).table_valued("kind", "written", name="reach")
    found = list(db.execute(select(reach.c.kind, reach.c.written)))
    return {
        kind: tuple(written for each, written in found if each == kind)
        for kind in ("email", "phone")
    }


def _fill(contact: Contact, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in PLAIN:
            setattr(contact, name, value)
    for name in ("custom_fields", "external_ids"):
        if name in values:
            setattr(contact, name, dict(values[name]))
    if "tags" in values:
        contact.tags = list(values["tags"])


def _set_reach(db: Session, contact: Contact, details: ContactDetails) -> None:
    """Raises Conflict where an address is another contact's."""
    emails, phones = details.emails, details.phones
    region = current_organization(db).region
    contact.phone = next(iter(phones), None)
    contact.phone_e164 = normalize_phone(contact.phone, region)
    db.flush()
    further = list(phones[1:])
    written = (
        list(emails),
        [normalize_email(each) for each in emails],
        further,
        [normalize_phone(each, region) for each in further],
    )
    arrays = [cast(each, ARRAY(Text)) for each in written]
    taken = db.scalar(select(func.app.set_contact_reach(contact.id, *arrays)))
    if taken is not None:
        raise Conflict(
            f"{taken} is another contact's address. Where both are one person, merge the two"
            " contacts.",
            field="emails",
        )
    db.refresh(contact, ["email", "email_normalized"])


def _checked(
    db: Session, details: ContactDetails, by: Viewer, *, owner_before: UUID | None
) -> ContactDetails:
    """The details as they are stored. Raises InvalidInput and NotAllowed."""
    texts: dict[str, Any] = {
        name: cleaned_text(getattr(details, name), name, LABELS) for name in TEXTS
    }
    cleaned = replace(
        details,
        **texts,
        emails=_lines(details.emails, "emails", normalize_email),
        phones=_lines(details.phones, "phones", fold),
        tags=_lines(details.tags, "tags", fold),
        custom_fields=_pairs(details.custom_fields, "custom_fields"),
        external_ids=_pairs(details.external_ids, "external_ids"),
    )
    if not (cleaned.name or cleaned.emails or cleaned.phones):
        raise InvalidInput("Enter a name, an e-mail address or a phone number.", field="name")
    for written in cleaned.emails:
        if normalize_email(written) is None:
            raise InvalidInput(f"“{written}” is not an e-mail address.", field="emails")
    check_listed(db, Source, cleaned.source_id, "source_id")
    check_owner(db, cleaned.owner_user_id, by, before=owner_before)
    return cleaned


def cleaned_text(value: str | None, name: str, labels: Mapping[str, str]) -> str | None:
    """The text of a field without spaces around it, None for an empty one. Raises InvalidInput for
    one that is too long.
    """
    text = (value or "").replace("\0", "").strip() or None
    if text is not None and len(text) > LONGEST:
        raise InvalidInput(f"{labels[name]} can have at most {LONGEST} characters.", field=name)
    return text


def _lines(values: Iterable[str], name: str, same: Any) -> tuple[str, ...]:
    """The values that say something, each once by what ``same`` makes of it."""
    texts = [text for each in values if (text := cleaned_text(each, name, LABELS))]
    once: dict[Any, str] = {}
    for text in texts:
        once.setdefault(same(text) or text, text)
    if len(once) > MOST:
        raise InvalidInput(f"{LABELS[name]}: at most {MOST}.", field=name)
    return tuple(once.values())


def _pairs(values: Mapping[str, str], name: str) -> dict[str, str]:
    pairs = {
        cleaned_text(key, name, LABELS): cleaned_text(text, name, LABELS)
        for key, text in values.items()
    }
    if len(pairs) > MOST:
        raise InvalidInput(f"{LABELS[name]}: at most {MOST}.", field=name)
    return {key: text for key, text in pairs.items() if key and text}


def check_listed(db: Session, table: Any, entry_id: UUID | None, field_: str) -> None:
    """Raises InvalidInput for an entry that is not on the organisation's list."""
    if (
        entry_id is not None
        and db.scalars(select(table.id).where(table.id == entry_id)).first() is None
    ):
        raise InvalidInput("This is not on your organisation's list; choose another.", field=field_)


def owner_of_new(db: Session, by: Viewer) -> UUID | None:
    """Whose a record is that ``by`` creates and gives to nobody: their own, where they would not
    see it otherwise.
    """
    return None if by.sees_everybody(settings_of(db, AccessSettings)) else by.user_id


def check_owner(db: Session, owner: UUID | None, by: Viewer, *, before: UUID | None) -> None:
    """Raises NotAllowed where a rep changes whose a record is, and InvalidInput for an owner who is
    no active member.
    """
    if owner == before:
        return
    if not by.is_manager:
        raise NotAllowed("Only a manager changes the owner.")
    is_member = select(OrganizationMember.user_id).where(
        OrganizationMember.user_id == owner, OrganizationMember.active
    )
    if owner is not None and db.scalars(is_member).first() is None:
        raise InvalidInput("Choose an owner who is on the team.", field="owner_user_id")


def _typed_phones(
    db: Session, phones: tuple[str, ...], *, known: tuple[str, ...]
) -> tuple[str, ...]:
    region = current_organization(db).region
    return typed_phones(phones, region, known, field="phones")


def note_of_contact(db: Session, contact_id: UUID, sentence: str, by: Viewer, **more: Any) -> None:
    """A line of the contact's timeline."""
    note(
        db,
        "contact",
        "contact",
        contact_id,
        sentence,
        contact_id=contact_id,
        actor_user_id=by.user_id,
        **more,
    )
