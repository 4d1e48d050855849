"""Attempts to sign in: limited by where they come from, never for the person they are aimed at, and
answered all alike.
"""

import bcrypt
import pytest
from sqlalchemy import text

from core.platform.errors import NotAllowed, TooManyRequests
from core.tenancy.identity import sign_in as way_in
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import sign_in
from tests import factories as make
from tests.ports import owner
from tests.statements import statements

PASSWORD = "amber-birch-cobalt-1234"


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), password_hash=password_hash)


def guess(person, address, times=1):
    for _ in range(times):
        with pytest.raises(NotAllowed):
            sign_in(person.email, "not the password", address=address)


def blocked(person, address):
    try:
        sign_in(person.email, PASSWORD, address=address)
    except TooManyRequests as refusal:
        return 0 < refusal.retry_after_s <= 15 * 60
    return False


def test_whoever_guesses_is_stopped_and_the_person_gets_in_from_elsewhere(person):
    for address in ("192.0.2.21", "192.0.2.22", "192.0.2.23"):
        guess(person, address, 5)
        assert blocked(person, address)

    assert sign_in(person.email, PASSWORD, address="192.0.2.24") == person.user_id


def test_the_wait_ends_with_its_window(person):
    guess(person, "192.0.2.31", 5)
    assert blocked(person, "192.0.2.31")
    with owner() as db:
        db.execute(
            text("""
            update app.rate_limits set window_start = window_start - interval '15 minutes'
              where strpos(key, '192.0.2.31') > 0
        """)
        )

    assert sign_in(person.email, PASSWORD, address="192.0.2.31") == person.user_id


def test_trying_many_accounts_from_one_address_stops_that_address_only(person):
    with owner() as db:
        db.execute(
            text("""
            insert into app.rate_limits (key, window_start, hits)
            select 'sign-in:192.0.2.41', to_timestamp(floor(extract(epoch
              from now()) / 900 + n) * 900), 60 from generate_series(0, 1) n
        """)
        )

    assert blocked(person, "192.0.2.41")
    assert sign_in(person.email, PASSWORD, address="192.0.2.42") == person.user_id


def test_tries_at_an_unknown_account_are_limited_alike(person):
    def answers(email):
        for _ in range(7):
            try:
                sign_in(email, "not the password", address="192.0.2.51")
            except (NotAllowed, TooManyRequests) as refusal:
                yield refusal.message

    assert list(answers("nobody.at.all@example.com")) == list(answers(person.email))


@pytest.fixture
def checked(monkeypatch):
    """The cost of every hash that a password is compared with. The comparison itself is
    bcrypt's.
    """
    costs = []

    def checkpw(password, stored):
        costs.append(stored[:7])
        return real(password, stored)

    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return costs


def test_an_unknown_a_dormant_and_a_known_account_take_the_same_work_and_words(
    person, password_hash, checked
):
    dormant, without = (
        make.viewer(person.organization_id, password_hash=password_hash),
        make.viewer(person.organization_id),
    )
    with owner() as db:
        db.execute(
            text("update app.users set active = false where id = :id"), {"id": dormant.user_id}
        )

    refusals, asked = [], []
    for email, password in (
        (person.email, "not the password"),
        ("nobody.at.all@example.com", PASSWORD),
        ("no address", PASSWORD),
        (dormant.email, PASSWORD),
        (without.email, PASSWORD),
    ):
        with pytest.raises(NotAllowed) as refusal, statements() as said:
            sign_in(email, password, address="192.0.2.61")
        refusals.append(refusal.value.message)
        asked.append(said)

    assert all(said == asked[0] for said in asked)
    assert checked == [password_hash[:7].encode()] * 5
    assert set(refusals) == {way_in.WRONG}
