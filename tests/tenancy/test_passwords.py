"""Which passwords are accepted, and that every character of a password counts."""

import re
from contextlib import suppress
from importlib.util import find_spec, module_from_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platform.errors import InvalidInput
from core.tenancy.identity import passwords
from core.tenancy.identity.passwords import check_password, hash_password, password_fits

EMAIL = "ana.smith@example.com"
HERON = (
    "a heron waits in the reeds until the fog has gone from the river, and then it eats a frog or"
    " two; " * 3
)


@pytest.mark.parametrize(
    "password",
    [
        "three quiet herons",
        "correct horse battery",
        "k7#Qm!zR2vXp",
        "Übermütige Käsefüße",
        "пятьзелёныхкошек",
        "🦊🐢🐙🦉🐝🦋🐞🐳🦀🐌🐫🦔",
        "summerhouse on the hill",
        HERON[:64],
        HERON[:73],
        HERON[:200],
        "nul\0bytes are\0fine",
        "qwertyuiop and a heron",
    ],
)
def test_a_long_enough_password_of_any_letters_is_taken(password):
    check_password(password, email=EMAIL)


@pytest.mark.parametrize(
    "password", ["", "        ", "12345678", "eight ch", "eleven char", "  eleven char      "]
)
def test_fewer_than_twelve_characters_are_too_few(password):
    with pytest.raises(InvalidInput, match="at least 12 characters"):
        check_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password1234",
        "P@ssw0rd!2026",
        "123456789012",
        "111111111111",
        "abababababab",
        "admin-welcome-1",
        "Summer2026!!",
        "letmeinletmein",
        "qwertyuiop12",
        "QWERTYUIOPAS",
        "1q2w3e4r5t6y",
        "abcdefghijkl",
        "lkjihgfedcba",
        "iloveyou!!!!",
        "administrator1",
        "............",
        "salessales2026",
        "test test test",
    ],
)
def test_what_anybody_would_try_first_is_refused(password):
    with pytest.raises(InvalidInput, match="one of the first"):
        check_password(password)


@pytest.mark.parametrize("password", [EMAIL, EMAIL.upper(), "ana.smith2026", "Ana.Smith!!!!"])
def test_the_address_is_no_password(password):
    with pytest.raises(InvalidInput, match="must not be the e-mail address"):
        check_password(password, email=EMAIL)


def test_more_than_a_page_is_too_much():
    check_password((HERON * 9)[:1023] + "x")
    with pytest.raises(InvalidInput, match="at most 1024"):
        check_password((HERON * 9)[:1024] + "x")


@pytest.mark.parametrize("length", [8, 12, 64, 72, 73, 200])
def test_the_last_character_counts_however_long_the_password_is(length):
    password = HERON[: length - 1] + "x"
    stored = hash_password(password)

    assert password_fits(password, stored)
    assert not password_fits(password[:-1] + "y", stored)
    assert not password_fits(password[:-1], stored)


@pytest.mark.parametrize(
    ("password", "another"),
    [
        ("herons\0wait", "herons\0hunt"),
        ("Käsefüße und Brot", "Kasefusse und Brot"),
        ("ж" * 36 + "a", "ж" * 36 + "b"),
        ("🦊" * 18 + "a", "🦊" * 18 + "b"),
    ],
)
def test_what_stands_behind_a_zero_byte_or_a_wide_letter_counts(password, another):
    stored = hash_password(password)

    assert password_fits(password, stored)
    assert not password_fits(another, stored)


def test_an_accent_typed_as_one_character_or_as_two_is_the_same_password():
    assert password_fits("cafe\u0301 au lait svp", hash_password("caf\u00e9 au lait svp"))


def test_spaces_around_a_password_do_not_count():
    assert password_fits("  three quiet herons\n", hash_password("three quiet herons"))


@given(st.text(max_size=300))
def test_no_text_breaks_the_check_and_none_is_nobodys(password):
    assert not password_fits(password, None)
    with suppress(InvalidInput):
        check_password(password, email=EMAIL)


def as_the_product_loads_it():
    """The module of passwords without what ``tests/conftest.py`` changes to make tests quick."""
    spec = find_spec(passwords.__name__)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nobodys_hash_costs_as_much_as_everybody_elses():
    loaded, cost = as_the_product_loads_it(), re.compile(r"\$2b\$(\d\d)\$")

    nobodys = cost.match(loaded.NOBODYS_HASH)[1]
    assert nobodys == cost.match(loaded.hash_password("three quiet herons"))[1] == "12"
