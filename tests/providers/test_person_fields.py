"""What a provider's payloads say of an erased person is taken out, field by field."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.people.erasure import mark_of, without_erased
from core.people.models import Contact, ContactEmail
from core.platform.database import as_system
from core.providers.registry import inbound, person_fields, with_inbound
from tests import factories as make

EMAIL = "petronella@example.com"
FIELDS = [
    (name, field)
    for name, each in with_inbound().items()
    for field in sorted(each.person_fields.names | each.person_fields.details)
]
PERSONS = [
    (name, field)
    for name, each in with_inbound().items()
    for field in sorted(each.person_fields.persons)
]


def redacted(payload):
    org = make.organization()
    with as_system(org) as db:
        contact = Contact(organization_id=org, id=uuid4())
        mark = mark_of(org, EMAIL)
        db.add(contact)
        db.flush()
        db.add(
            ContactEmail(
                organization_id=org, contact_id=contact.id, email=mark, email_normalized=mark
            )
        )
        db.flush()
        return without_erased(db, payload, person_fields(), kept_question=None)


@pytest.mark.parametrize(("provider", "field"), FIELDS)
def test_a_field_about_an_erased_person_says_nothing_any_more(provider, field):
    made = redacted({"email": EMAIL, field: "Petronella Quist", "amount": 7})
    assert made[field] in (None, "Erased person")
    assert made["amount"] == 7


@pytest.mark.parametrize(("provider", "field"), PERSONS)
def test_so_does_an_object_inside_that_is_about_the_same_person(provider, field):
    fields = inbound(provider).person_fields
    for name in fields.names:
        made = redacted({"email": EMAIL, field: {name: "Petronella Quist"}})
        assert made[field][name] == "Erased person"


def test_what_is_about_nobody_erased_is_left_as_it_is():
    payload = {"email": "somebody@example.com", "name": "Somebody"}
    assert redacted(payload) is payload
