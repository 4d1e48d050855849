"""Signing in as a program: a token for a person, the same refusal whatever was wrong, and a limit
that locks nobody out.
"""

from functools import cache
from itertools import count

import pytest
from sqlalchemy import text

from core.platform.database import as_system
from core.tenancy.access.members import add_member
from core.tenancy.access.models import AccessSettings, OrganizationMember
from core.tenancy.access.sessions import choose_organization
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import TRIES_PER_ACCOUNT_AND_ADDRESS as ALLOWED
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.api.client import NO_ID, get, post, refused, request
from tests.ports import owner
from tests.tenancy.factors import with_app
from tests.ui.screens import token_of
from webhooks.api import ENDPOINTS

PASSWORD = "three quiet herons"
number = count(1)


@cache
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def address():
    return f"10.1.{next(number)}.1"


def person(role="manager", **values):
    return make.viewer(make.organization(**values), role, password_hash=password_hash())


def slug_of(org):
    with as_system(org) as db:
        return db.get_one(Organization, org).slug


def login(email, password=PASSWORD, organization=None, *, address, **more):
    body = (
        {"email": email, "password": password}
        | ({"organization": organization} if organization else {})
        | more
    )
    return post("/api/auth/login", body=body, address=address)


def test_a_right_password_gives_a_token_that_opens_the_api(address):
    who = person(role="manager")
    answer = login(
        f" {who.email.upper()} ", organization=slug_of(who.organization_id), address=address
    )
    token = answer.json().pop("access_token")
    assert (
        answer.status_code,
        {name: value for name, value in answer.json().items() if name != "access_token"},
    ) == (
        200,
        {
            "token_type": "bearer",
            "expires_in": 3600,
            "user": {
                "id": str(who.user_id),
                "email": who.email,
                "name": who.name,
                "role": "manager",
                "organization_id": str(who.organization_id),
                "organization": who.organization_name,
            },
            "organizations": [
                {
                    "id": str(who.organization_id),
                    "slug": slug_of(who.organization_id),
                    "name": who.organization_name,
                    "role": "manager",
                }
            ],
        },
    )
    assert get("/api/events", token).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("named_by", ["slug", "id", None])
def test_an_organisation_is_named_by_slug_or_id_or_not_at_all_by_members_of_one(address, named_by):
    who = person()
    named = {"slug": slug_of(who.organization_id), "id": str(who.organization_id), None: None}[
        named_by
    ]
    assert login(who.email, organization=named, address=address).status_code == 200


def test_a_member_of_two_organisations_gets_the_token_of_the_named_one(address):
    who, second = person(role="viewer"), make.organization()
    with as_system(second) as db:
        add_member(db, who.user_id, "admin", name=who.name, email=who.email)
    for org, role in ((who.organization_id, "viewer"), (second, "admin")):
        user = login(who.email, organization=str(org), address=address).json()["user"]
        assert (user["organization_id"], user["role"]) == (str(org), role)


def test_a_login_that_names_no_organisation_enters_the_one_worked_in_last_and_lists_all(address):
    who, second = person(role="viewer", name="Anchor", slug="anchor-1"), make.organization(name="Z")
    with as_system(second) as db:
        add_member(db, who.user_id, "admin", name=who.name, email=who.email)
    home = who.organization_id
    listed = [
        {"id": str(home), "slug": "anchor-1", "name": "Anchor", "role": "viewer"},
        {"id": str(second), "slug": slug_of(second), "name": "Z", "role": "admin"},
    ]

    def entered(**more):
        answer = login(who.email, address=address, **more).json()
        assert answer["organizations"] == listed
        return answer["user"]["organization_id"]

    assert entered() == str(home)
    assert entered(organization=str(second)) == entered() == str(second)
    choose_organization(token_of(who), home)
    assert entered() == str(home)
    with as_system(home) as db:
        db.get_one(OrganizationMember, (home, who.user_id)).active = False
    listed.pop(0)
    assert entered() == str(second)


def test_a_right_password_is_never_answered_as_a_wrong_one(address):
    who, former, elsewhere = person(), person(), make.organization()
    with as_system(former.organization_id) as db:
        db.get_one(OrganizationMember, (former.organization_id, former.user_id)).active = False
    answers = [
        login(who.email, organization=slug_of(elsewhere), address=address),
        login(who.email, organization="no-such-team", address=address),
        login(former.email, address=address),
    ]
    assert [refused(answer) for answer in answers] == [(403, "not_allowed", None)] * 3
    assert answers[0].text == answers[1].text
    app = with_app(who, PASSWORD)
    assert refused(login(who.email, organization="no-such-team", address=address)) == (
        401,
        "second_factor_required",
        None,
    )
    wrong = login(who.email, organization="no-such-team", address=address, code=app.code())
    assert wrong.status_code == 403


def test_a_super_admin_enters_any_organisation(address):
    who, elsewhere = person(role="owner"), make.organization()
    with as_system(elsewhere) as db:
        make.event(db, elsewhere)
        db.execute(text("select app.make_super_admin(:user)"), {"user": who.user_id})
    answer = login(who.email, organization=str(elsewhere), address=address).json()
    assert (answer["user"]["role"], answer["user"]["email"]) == ("super_admin", who.email)
    assert len(get("/api/events", answer["access_token"]).json()["items"]) == 1


def test_every_wrong_sign_in_gets_the_same_words(address):
    who, gone = person(), person()
    with owner() as db:
        db.execute(text("update app.users set active = false where id = :id"), {"id": gone.user_id})
    answers = [
        login(who.email, "three quiet herrings", address=address),
        login("nobody.at.all@example.com", address=address),
        login("not an address", address=address),
        login(gone.email, address=address),
        login(who.email, "three quiet herrings", organization="no-such-team", address=address),
    ]
    assert {refused(answer) for answer in answers} == {(401, "unauthorized", None)}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "email"),
        (b'{"email":"a@example.com"}', "password"),
        (b'{"email":5,"password":"x"}', "email"),
        (b'{"email":"a@example.com","password":["x"]}', "password"),
        (b'{"email":"a@example.com","password":"x","organization":7}', "organization"),
        (b'{"email":"a@example.com","password":"x","code":123456}', "code"),
        (b"[]", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b'{"email":"\\ud800","password":"x"}', "body"),
        (b'{"email":"a\\u0000@example.com","password":"x"}', "email"),
        (b"[" * 100_000, "body"),
    ],
)
def test_a_malformed_sign_in_names_the_field(body, field):
    assert refused(request("POST", "/api/auth/login", content=body)) == (
        422,
        "invalid_input",
        field,
    )


def test_too_many_tries_must_wait_and_lock_nobody_else_out(address):
    who = person()
    tries = []
    while (
        429 not in [answer.status_code for answer in tries] and len(tries) < 20
    ):  # the window may turn once meanwhile
        tries.append(login(who.email, "guess number one", address=address))
    assert [answer.status_code for answer in tries[:ALLOWED]] == [401] * ALLOWED
    assert refused(tries[-1]) == (429, "too_many_requests", None)
    assert 1 <= int(tries[-1].headers["retry-after"]) <= 15 * 60
    assert login(who.email, address=f"{address}0").status_code == 200


def test_whoever_has_a_second_factor_sends_its_code_and_each_once(address):
    who = person()
    app = with_app(who, PASSWORD)
    assert refused(login(who.email, address=address)) == (401, "second_factor_required", None)
    assert refused(login(who.email, address=address, code="")) == (
        401,
        "second_factor_required",
        None,
    )
    assert refused(login(who.email, address=address, code=next(app.wrong()))) == (
        401,
        "unauthorized",
        None,
    )
    code = app.code()
    assert login(who.email, address=address, code=f"{code[:3]} {code[3:]}").status_code == 200
    assert refused(login(who.email, address=address, code=code)) == (401, "unauthorized", None)
    assert login(who.email, address=address, code=app.recovery[0]).status_code == 200


def test_a_wrong_password_is_refused_before_any_code_is_asked_for(address):
    who = person()
    app = with_app(who, PASSWORD)
    assert refused(login(who.email, "three quiet herrings", address=address)) == (
        401,
        "unauthorized",
        None,
    )
    assert refused(login(who.email, "three quiet herrings", address=address, code=app.code())) == (
        401,
        "unauthorized",
        None,
    )


def test_an_organisation_that_asks_for_a_second_factor_lets_nobody_in_without(address):
    who = person()
    token = login(who.email, address=address).json()["access_token"]
    with_one = make.viewer(who.organization_id, "viewer", password_hash=password_hash())
    app = with_app(with_one, PASSWORD)
    with as_system(who.organization_id) as db:
        db.get_one(AccessSettings, who.organization_id).require_second_factor = True
    assert refused(login(who.email, address=address)) == (401, "second_factor_required", None)
    assert refused(get("/api/events", token)) == (401, "second_factor_required", None)
    assert (
        get(
            "/api/events",
            login(with_one.email, address=address, code=app.code()).json()["access_token"],
        ).status_code
        == 200
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_no_call_is_a_way_round_the_second_factor_that_is_asked_for(address, endpoint):
    who = person(role="owner")
    token = login(who.email, address=address).json()["access_token"]
    with as_system(who.organization_id) as db:
        db.get_one(AccessSettings, who.organization_id).require_second_factor = True

    answer = request(
        endpoint.method,
        endpoint.path.format(id=NO_ID),
        token,
        **({"json": {}} if endpoint.method == "POST" else {}),
    )

    assert refused(answer) == (401, "second_factor_required", None)
