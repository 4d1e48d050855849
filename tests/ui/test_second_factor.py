"""The second factor on the screens: set up, asked for after the password, and required of
everybody.
"""

import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.metrics.export_tables import EXPORTS
from core.platform.clock import now
from core.platform.database import as_system
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.roles import SUPER_ADMINS
from core.tenancy.access.sessions import viewer_of
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.second_factor import has_second_factor
from core.tenancy.identity.totp import STEP_S, totp
from core.ui.navigation import ACCOUNT, BY_KEY, SCREENS
from core.ui.panels.sign_in import HALF
from core.ui.server.routes import routes
from tests import factories as make
from tests.by_day import some
from tests.ports import owner
from tests.tenancy.factors import PASSWORD, with_app
from tests.ui.screens import addressed, alone, browser_with, holding, opened, sent, token_of, words
from tests.ui.server import OWN, ask


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), "admin", password_hash=password_hash)


def fill(page, button, **values):
    """Fill in the form that ``button`` sends, by its fields' labels, and send it."""
    sender = next(each for each in page.button if each.label == button)
    for label, value in values.items():
        fields = [
            each for each in page.text_input if each.label == label.replace("_", " ").capitalize()
        ]
        next(each for each in fields if each.form_id == sender.form_id).input(value)
    return sender.click().run()


def codes_on(page):
    return [line for code in page.code for line in code.value.splitlines()]


def test_somebody_sets_it_up_keeps_the_codes_and_sees_that_it_is_on(person):
    with holding(token_of(person)) as page:
        shown = fill(page("account"), "Continue", your_password=PASSWORD)
        [key] = codes_on(shown)
        assert "data:image/svg+xml" in sent(shown)
        secret = base64.b32decode(key.replace(" ", ""))
        shown = fill(shown, "Switch on", code=totp(secret, int(now().timestamp()) // STEP_S))
        codes = codes_on(shown)
        assert (
            len(codes),
            {bool(re.fullmatch(r"([A-Z2-7]{4} ){3}[A-Z2-7]{4}", code)) for code in codes},
        ) == (10, {True})
        shown = (
            next(each for each in shown.button if each.label == "I have stored them").click().run()
        )

        assert any(
            line.startswith("**On** since today") and line.endswith("10 recovery codes left")
            for line in words(shown)
        )
        assert key not in sent(shown)
        assert not any(code in sent(page("account")) for code in codes)


def test_a_wrong_password_or_code_sets_nothing_up(person):
    with holding(token_of(person)) as page:
        assert "The current password is not right." in words(
            fill(page("account"), "Continue", your_password="not the password")
        )
        shown = fill(page("account"), "Continue", your_password=PASSWORD)
        assert any(
            "That code is not valid" in line
            for line in words(fill(shown, "Switch on", code="12345"))
        )
        shown = (
            next(each for each in page("account").button if each.label == "Not now").click().run()
        )
        assert any(each.label == "Continue" for each in shown.button)
    assert not has_second_factor(person.user_id)


def test_somebody_switches_it_off_with_password_and_code(person):
    app = with_app(person)
    with holding(token_of(person)) as page:
        assert "The current password is not right." in words(
            fill(page("account"), "Switch off", your_password="no", code=app.code())
        )
        shown = fill(page("account"), "Switch off", your_password=PASSWORD, code=app.code())
        assert any(each.label == "Continue" for each in shown.button)
    assert not has_second_factor(person.user_id)


@pytest.fixture
def form():
    """A browser at the sign-in form."""
    with browser_with(None):
        yield addressed("account")


def sign_in(form, person):
    form.run()
    form.text_input[0].input(person.email)
    form.text_input[1].input(PASSWORD)
    return form.button[0].click().run()


def is_in(page):
    return "/auth/ticket?t=" in sent(page)


def test_after_the_password_the_code_is_asked_for_before_anything_is_given_out(person, form):
    app = with_app(person)
    page = sign_in(form, person)

    assert [field.label for field in page.text_input] == ["Code"]
    assert not is_in(page)
    page = fill(page, "Sign in", code=next(app.wrong()))
    assert any("The code is not right" in line for line in words(page))
    assert not is_in(page)
    assert is_in(fill(page, "Sign in", code=app.code()))


def test_a_recovery_code_does_as_well(person, form):
    app = with_app(person)
    assert is_in(fill(sign_in(form, person), "Sign in", code=app.recovery[0]))


def test_without_a_second_factor_the_password_is_enough(person, form):
    assert is_in(sign_in(form, person))


def test_five_minutes_after_the_password_the_code_comes_too_late(person, form):
    app = with_app(person)
    page = sign_in(form, person)
    user_id, until = page.session_state[HALF]
    assert timedelta(minutes=4) < until - now() <= timedelta(minutes=5)
    page.session_state[HALF] = (user_id, now())

    page = fill(page, "Sign in", code=app.code())

    assert not is_in(page)
    assert [field.label for field in page.text_input] == ["E-mail address", "Password"]
    assert "That took more than five minutes. Sign in again." in words(page)


def test_one_may_start_again_as_somebody_else(person, form, password_hash):
    with_app(person)
    page = (
        next(each for each in sign_in(form, person).button if each.label == "Start again")
        .click()
        .run()
    )
    assert [field.label for field in page.text_input] == ["E-mail address", "Password"]
    assert is_in(sign_in(page, make.viewer(person.organization_id, password_hash=password_hash)))


@pytest.fixture
def strict(person):
    """The person's organisation requires a second factor of everybody."""
    with owner() as db:
        db.execute(
            text(
                "update app.access_settings set require_second_factor = true"
                " where organization_id = :org"
            ),
            {"org": person.organization_id},
        )
    return person.organization_id


@pytest.mark.parametrize("screen", some(screen.key for screen in SCREENS if not screen.public))
def test_without_the_asked_for_second_factor_every_address_leads_to_the_account(
    person, strict, screen
):
    page = opened(screen, person)

    assert not page.exception
    assert page.title[0].value == "Your account"
    assert any("requires a second factor" in line for line in words(page))


def test_a_link_for_everybody_opens_all_the_same(person, strict):
    page = opened("shared", person, token="none")

    assert not page.exception
    assert page.title[0].value != "Your account"


@pytest.mark.parametrize(
    "screen", some(each.key for each in SCREENS if not each.public and each.key != ACCOUNT)
)
def test_a_page_run_past_the_shell_asks_for_it_too(strict, screen):
    owner_of_all = make.viewer(strict, Role.OWNER)
    if BY_KEY[screen].roles == SUPER_ADMINS:
        make_super_admin(owner_of_all)
    page = alone(screen, owner_of_all)

    assert [line for line in words(page) if "requires a second factor" in line]
    assert [each.value for each in page.title] == [BY_KEY[screen].title]


def make_super_admin(viewer):
    with as_system(viewer.organization_id) as db:
        db.execute(text("select app.make_super_admin(:user)"), {"user": viewer.user_id})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/exports/{table}") for table in EXPORTS),
        ("POST", "/exports/person"),
    ],
)
def test_exports_wait_for_it_as_well(person, strict, method, path):
    token = token_of(person)
    asked = {"cookie": token, "headers": OWN} | (
        {"data": {"email": "nobody@example.com"}} if method == "POST" else {}
    )
    assert ask(method, path, **asked).status_code == 403
    with_app(person)
    assert ask(method, path, **asked).status_code == (422 if method == "POST" else 200)


def test_every_route_that_hands_something_out_is_among_these():
    assert {route.path for route in routes if route.path.startswith("/exports")} == {
        "/exports/{table}",
        "/exports/person",
    }


def test_whoever_comes_over_from_a_laxer_organisation_is_asked_there(person, strict):
    laxer = make.organization()
    with as_system(laxer) as db:
        db.add(
            OrganizationMember(
                organization_id=laxer,
                user_id=person.user_id,
                role=Role.ADMIN,
                name=person.name,
                email=person.email,
            )
        )
    token = token_of(replace(person, organization_id=laxer))
    assert ask("GET", "/exports/events", cookie=token).status_code == 200

    assert (
        ask(
            "POST",
            "/auth/organization",
            cookie=token,
            headers=OWN,
            data={"organization": str(strict)},
        ).status_code
        == 303
    )
    assert ask("GET", "/exports/events", cookie=token).status_code == 403


def test_looking_as_somebody_who_has_one_is_no_way_round(person, strict):
    rep = make.viewer(strict, Role.SALES_REP)
    with_app(rep)
    token = token_of(person)
    with owner() as db:
        looking = text("update app.sign_in_sessions set view_as_user_id = :rep where user_id = :id")
        db.execute(looking, {"rep": rep.user_id, "id": person.user_id})

    assert viewer_of(token).second_factor_missing


def test_with_it_everything_opens(person, strict):
    with_app(person)
    assert opened("dashboard", person).title[0].value == "Dashboard"


def test_an_admin_asks_it_of_everybody_only_with_one_of_their_own(person):
    ask = "Require a second factor for all"
    with holding(token_of(person)) as page:
        shown = next(each for each in page("account").button if each.label == ask).click().run()
        assert any("Set up your own second factor first" in line for line in words(shown))
        with_app(person)
        next(each for each in page("account").button if each.label == ask).click().run()
    colleague = make.viewer(person.organization_id, "viewer")
    assert viewer_of(token_of(colleague)).second_factor_missing
    assert not viewer_of(token_of(person)).second_factor_missing


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_others_are_not_offered_to_ask_it_of_everybody(person, role):
    page = opened("account", make.viewer(person.organization_id, role))
    assert not [each for each in page.button if "everybody" in each.label]
