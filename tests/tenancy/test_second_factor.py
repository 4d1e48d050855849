"""The second factor: codes as in the standard, each accepted once, with limits; and recovery for
the account's owner only.
"""

import base64
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.operations.keys import reseal_secrets
from core.platform.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.second_factor import (
    begin,
    cancel,
    check_code,
    confirm,
    has_second_factor,
    renew_codes,
    second_factor_of,
    switch_off,
    waiting_secret,
)
from core.tenancy.identity.totp import STEP_S, address_for_app, fitting_step, in_groups, totp
from tests import factories as make
from tests.conftest import MASTER_KEY
from tests.operations.conftest import NEW_KEY
from tests.ports import owner
from tests.tenancy.factors import PASSWORD, with_app
from tests.ui.screens import token_of

RFC_SECRET = b"12345678901234567890"
HERE = "192.0.2.1"


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), "sales_rep", password_hash=password_hash)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standards_own_examples(at, code):
    assert totp(RFC_SECRET, at // STEP_S) == code[-6:]


@pytest.mark.parametrize(
    ("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_off(steps, fits):
    at = datetime(2026, 11, 4, 12, 0, 10, tzinfo=UTC)
    step = int(at.timestamp()) // STEP_S + steps

    assert fitting_step(RFC_SECRET, totp(RFC_SECRET, step), at) == (step if fits else None)


def test_what_the_picture_holds_is_what_apps_read():
    assert (
        address_for_app("ABCD2345", "ana+one@example.com")
        == "otpauth://totp/Sales%20operations%3Aana%2Bone%40example.com?secret=ABCD2345&issuer=Sales%20operations&digits=6&period=30"
    )
    assert in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_a_code_opens_once_and_so_does_none_before_it(person):
    app = with_app(person)
    assert has_second_factor(person.user_id)
    code, earlier = app.code(), app.shown(-1)

    check_code(person.user_id, code, address=HERE)

    for used in (code, earlier):
        with pytest.raises(NotAllowed, match="used before"):
            check_code(person.user_id, used, address=HERE)
    check_code(person.user_id, app.shown(1), address=HERE)


def test_a_secret_counts_only_once_its_first_code_has_been_entered(person):
    token = token_of(person)
    with person.transaction() as db:
        begin(db, token, PASSWORD, address=HERE)
        secret = waiting_secret(db, token)
        with pytest.raises(InvalidInput, match="That code is not valid"):
            confirm(
                db,
                token,
                (
                    "000 000"
                    if fitting_step(base64.b32decode(secret), "000000", datetime.now(UTC)) is None
                    else "000 001"
                ),
            )
    assert not has_second_factor(person.user_id)
    with person.transaction() as db:
        cancel(db, token)
        assert second_factor_of(db, person.user_id) is None
        with pytest.raises(Conflict):
            confirm(db, token, "123456")


def test_a_secret_in_force_is_shown_no_more_and_neither_replaced_nor_cancelled(person):
    with_app(person)
    token = token_of(person)
    with person.transaction() as db:
        cancel(db, token)
        assert waiting_secret(db, token) is None
        with pytest.raises(Conflict, match="switch it off first"):
            begin(db, token, PASSWORD, address=HERE)
    assert has_second_factor(person.user_id)


def test_the_secret_is_stored_sealed_and_the_codes_hashed(person):
    app = with_app(person)
    whose = {"user": person.user_id}
    with owner() as db:
        sealed = db.execute(
            text("select totp_secret from app.second_factors where user_id = :user"), whose
        ).scalar()
        hashes = (
            db.execute(
                text("select code_hash from app.recovery_codes where user_id = :user"), whose
            )
            .scalars()
            .all()
        )

    assert base64.b32encode(app.secret) not in sealed
    assert app.secret not in sealed
    assert len(set(hashes)) == len(set(app.recovery)) == 10
    assert not any(
        code.replace(" ", "").encode() in bytes(stored)
        for code in app.recovery
        for stored in hashes
    )


def test_each_recovery_code_opens_once_however_it_is_typed(person):
    app = with_app(person)
    for typed in (
        app.recovery[0],
        app.recovery[1].lower().replace(" ", "-"),
        app.recovery[2].replace(" ", ""),
    ):
        check_code(person.user_id, typed, address=HERE)
        with pytest.raises(NotAllowed):
            check_code(person.user_id, typed, address=HERE)
    with person.transaction() as db:
        assert second_factor_of(db, person.user_id).codes_left == 7


def test_a_recovery_code_of_somebody_else_opens_nothing(person, password_hash):
    with_app(person)
    other = with_app(make.viewer(person.organization_id, password_hash=password_hash))
    with pytest.raises(NotAllowed):
        check_code(person.user_id, other.recovery[0], address=HERE)


def test_new_recovery_codes_replace_the_old_ones(person):
    app, token = with_app(person), token_of(person)
    with person.transaction() as db:
        fresh = renew_codes(db, token, PASSWORD, app.code(), address=HERE)

    with pytest.raises(NotAllowed):
        check_code(person.user_id, app.recovery[0], address=HERE)
    check_code(person.user_id, fresh[0], address=HERE)


@pytest.mark.parametrize(
    ("password", "code"), [("not the password", "right"), (PASSWORD, "wrong"), (PASSWORD, "")]
)
def test_switching_off_takes_the_password_and_a_code(person, password, code):
    app, token = with_app(person), token_of(person)
    typed = {"right": app.code(), "wrong": next(app.wrong())}.get(code, code)
    with person.transaction() as db, pytest.raises(NotAllowed):
        switch_off(db, token, password, typed, address=HERE)
    assert has_second_factor(person.user_id)

    with person.transaction() as db:
        switch_off(db, token, PASSWORD, app.code(), address=HERE)
    assert not has_second_factor(person.user_id)
    with pytest.raises(NotAllowed):
        check_code(person.user_id, app.recovery[0], address=HERE)


def test_wrong_codes_are_few_for_an_address_and_the_owner_gets_in_from_another(person):
    app = with_app(person)
    wrong = app.wrong()
    for _ in range(5):
        with pytest.raises(NotAllowed):
            check_code(person.user_id, next(wrong), address="192.0.2.71")

    with pytest.raises(TooManyRequests):
        check_code(person.user_id, app.code(), address="192.0.2.71")
    check_code(person.user_id, app.code(), address="192.0.2.72")


def test_guessing_from_many_addresses_is_stopped_and_a_recovery_code_still_opens(person):
    app = with_app(person)
    wrong = app.wrong()
    for number in range(20):
        with pytest.raises(NotAllowed):
            check_code(person.user_id, next(wrong), address=f"198.51.100.{number}")

    with pytest.raises(TooManyRequests, match="use a recovery code"):
        check_code(person.user_id, app.code(), address=HERE)
    check_code(person.user_id, app.recovery[0], address=HERE)


def test_after_the_master_key_is_rotated_the_app_still_opens(quiet_database, person, keys):
    app = with_app(person)
    keys(NEW_KEY, MASTER_KEY)
    assert reseal_secrets()[0] > 0
    assert reseal_secrets()[0] == 0
    keys(NEW_KEY)

    check_code(person.user_id, app.code(), address=HERE)
