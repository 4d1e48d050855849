"""What happens to an account is recorded in the audit log of each organisation that the person
belongs to, without any secret.
"""

import json
from contextlib import suppress

import pytest
from sqlalchemy import text

from core.operations.setup_commands import clear_second_factor_command
from core.platform.database import as_guest, as_system
from core.platform.errors import NotAllowed, TooManyRequests
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.password_resets import choose_password, issue_link_token
from core.tenancy.identity.account import change_password, end_sign_ins
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.second_factor import begin, cancel, check_code, renew_codes, switch_off
from core.tenancy.identity.sign_in import sign_in
from tests import factories as make
from tests.ports import early_in_a_window, owner
from tests.tenancy.factors import PASSWORD, with_app
from tests.ui.screens import token_of

HERE = {"address": "192.0.2.61"}
NEW = "cobalt-birch-amber-4321"


@pytest.fixture
def person(database_url):
    return make.viewer(make.organization(), Role.SALES_REP, password_hash=hash_password(PASSWORD))


def events_of(person, organization_id=None):
    """The audit lines about the person's account that the organisation's admin reads, in order: the
    operation, and whether the person did it.
    """
    boss = make.viewer(organization_id or person.organization_id, Role.ADMIN)
    with boss.transaction() as db:
        rows = db.execute(
            text("""
            select operation, actor_user_id, changes from app.audit_logs
             where table_name = 'users' and row_id = :user and operation not in ('insert',
               'update') order by at
        """),
            {"user": str(person.user_id)},
        ).all()
    assert {json.dumps(row.changes) for row in rows} <= {"{}"}
    return [(row.operation, row.actor_user_id == person.user_id) for row in rows]


def test_a_second_factor_leaves_a_line_for_each_thing_that_happens_to_it(person):
    app, token = with_app(person), token_of(person)
    check_code(person.user_id, app.recovery[0], **HERE)
    with person.transaction() as db:
        codes = renew_codes(db, token, PASSWORD, app.recovery[1], **HERE)
    with person.transaction() as db:
        switch_off(db, token, PASSWORD, codes[0], **HERE)
    assert events_of(person) == [
        ("second_factor_on", True),
        ("recovery_code_used", True),
        ("recovery_code_used", True),
        ("recovery_codes_renewed", True),
        ("recovery_code_used", True),
        ("second_factor_off", True),
    ]


def test_what_comes_to_nothing_leaves_no_line(person):
    token = token_of(person)
    with person.transaction() as db:
        begin(db, token, PASSWORD, **HERE)
    with person.transaction() as db:
        cancel(db, token)
    with person.transaction() as db:
        begin(db, token, PASSWORD, **HERE)
        db.execute(text("select app.drop_second_factor(sha256(:token))"), {"token": token.encode()})
    with suppress(NotAllowed):
        check_code(person.user_id, "AAAA-AAAA-AAAA-AAAA", **HERE)
    assert events_of(person) == []


def test_a_second_factor_that_was_taken_away_from_outside_is_nobodys_own_act(person):
    with_app(person)
    clear_second_factor_command(type("Args", (), {"email": person.email})())
    assert events_of(person) == [("second_factor_on", True), ("second_factor_cleared", False)]


def test_a_password_that_changes_leaves_a_line_whichever_way(person):
    with person.transaction() as db:
        change_password(db, token_of(person), current=PASSWORD, new=NEW, **HERE)
    with as_system(person.organization_id) as db:
        _, token = issue_link_token(db, person.user_id)
    choose_password(token, PASSWORD)
    assert events_of(person) == [("password_changed", True), ("password_reset", True)]


def test_signing_out_everywhere_leaves_a_line(person):
    with person.transaction() as db:
        end_sign_ins(db, token_of(person), also_this=True)
    assert events_of(person) == [("signed_out_elsewhere", True)]


def test_too_many_wrong_passwords_leave_one_line_for_each_place_they_came_from(person):
    early_in_a_window()
    for address in ("192.0.2.71", "192.0.2.72"):
        for _ in range(8):
            with suppress(NotAllowed, TooManyRequests):
                sign_in(person.email, "not the password", address=address)
    assert events_of(person) == [("locked_out", False)] * 2


def test_too_many_wrong_codes_leave_one_line(person):
    wrong = with_app(person).wrong()
    for _ in range(8):
        with suppress(NotAllowed, TooManyRequests):
            check_code(person.user_id, next(wrong), **HERE)
    assert events_of(person) == [("second_factor_on", True), ("locked_out", False)]


def test_tries_at_an_address_that_is_nobodys_stand_in_the_platforms_log_without_the_address():
    with owner() as db:
        before = db.scalar(
            text(
                "select count(*) from app.audit_logs where operation = 'locked_out' and row_id = ''"
            )
        )
    for _ in range(8):
        with suppress(NotAllowed, TooManyRequests):
            sign_in("nobody.at.all@example.com", "not the password", address="192.0.2.73")
    with owner() as db:
        found = db.execute(
            text(
                "select organization_id, changes from app.audit_logs where operation = 'locked_out'"
                " and row_id = ''"
            )
        ).all()
    assert len(found) == before + 1
    assert {(str(org), json.dumps(changes)) for org, changes in found} == {
        ("00000000-0000-0000-0000-000000000000", "{}")
    }


def test_each_of_the_persons_organisations_is_told_and_no_other(person):
    second, stranger = make.organization(), make.organization()
    with as_system(second) as db:
        db.add(
            OrganizationMember(
                organization_id=second,
                user_id=person.user_id,
                role="viewer",
                name=person.name,
                email=person.email,
            )
        )
    with_app(person)
    assert [events_of(person, org) for org in (person.organization_id, second, stranger)] == [
        [("second_factor_on", True)],
        [("second_factor_on", True)],
        [],
    ]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_colleagues_who_are_no_admins_read_nothing_of_it(person, role):
    with_app(person)
    with make.viewer(person.organization_id, role).transaction() as db:
        assert db.scalar(text("select count(*) from app.audit_logs")) == 0


def test_nobody_writes_such_a_line_by_hand(person):
    for enter in (person.transaction, as_guest):
        with pytest.raises(Exception, match="permission denied"), enter() as db:
            db.execute(
                text("select app.record_security(:user, 'second_factor_off', null)"),
                {"user": person.user_id},
            )
