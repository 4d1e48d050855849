"""How often a password may be tried, and what the cookie is like."""
import pytest

from core.platform.errors import NotAllowed, TooManyRequests
from core.tenancy.passwords import hash_password
from core.tenancy.sign_in import TRIES_PER_ACCOUNT_AND_ADDRESS, sign_in
from tests import factories as make

PASSWORD = "amber-birch-cobalt-1234"


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), password_hash=password_hash)


def test_five_wrong_passwords_are_enough_from_one_address_and_no_hindrance_from_another(person):
    for _ in range(5):
        with pytest.raises(NotAllowed):
            sign_in(person.email, "not the password", address="192.0.2.1")

    with pytest.raises(TooManyRequests) as refusal:
        sign_in(person.email, PASSWORD, address="192.0.2.1")
    assert 0 < refusal.value.retry_after_s <= 15 * 60
    assert sign_in(person.email, PASSWORD, address="192.0.2.2") == person.user_id


def test_a_right_password_is_not_counted_as_a_try(person):
    for _ in range(TRIES_PER_ACCOUNT_AND_ADDRESS + 1):
        assert sign_in(f" {person.email.upper()} ", PASSWORD, address="192.0.2.3") == person.user_id
