"""From the sign-in to a new password: the same words for everybody until the e-mail, and clear ones
at the end.
"""

import pytest

from core.platform.database import as_system
from core.tenancy.access import password_resets
from core.tenancy.access.password_resets import issue_link_token
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import sign_in
from tests import factories as make
from tests.ui.screens import fill, opened, press, sent, words

OLD, NEW = "amber-birch-cobalt-1234", "douglas-ember-fjord-5678"


@pytest.fixture(scope="module")
def person():
    return make.viewer(make.organization(), password_hash=hash_password(OLD))


def asked(email):
    page = opened("forgot", None)
    fill(page, **{"E-mail_address": email})
    return press(page, None, "Send link")


def test_the_answer_is_the_same_whether_there_is_such_an_account_or_not(person):
    known, unknown, nonsense = (
        words(asked(email)) for email in (person.email, "nobody@example.com", "<b>x</b>\u0000")
    )
    assert known == unknown == nonsense
    assert "If there is an account with this address" in known[-1]


def test_who_asks_too_often_reads_when_it_works_again(person, monkeypatch):
    monkeypatch.setattr(password_resets, "TRIES_PER_ADDRESS", 0)
    assert "It works again in" in asked(person.email).warning[0].value


def test_the_sign_in_leads_there():
    assert 'href="./forgot"' in sent(opened("home", None))


def test_a_link_leads_to_a_new_password(person):
    with as_system(person.organization_id) as db:
        _, token = issue_link_token(db, person.user_id)
    page = opened("reset", None, token=token)
    fill(page, New_password=NEW, Repeat_password=OLD)
    page = press(page, None, "Save password")
    assert "The two passwords do not match." in page.error[0].value
    fill(page, New_password="short", Repeat_password="short")
    page = press(page, None, "Save password")
    assert "at least 12 characters" in page.error[0].value
    fill(page, New_password=NEW, Repeat_password=NEW)
    page = press(page, None, "Save password")
    assert any("Your new password is saved" in line for line in words(page))
    assert sign_in(person.email, NEW, address="198.51.100.250") == person.user_id
    assert any("not valid any more" in line for line in words(opened("reset", None, token=token)))
