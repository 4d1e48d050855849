"""One's own account: where one is signed in, and the password."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core.platform.errors import NotFound
from core.tenancy.access.sessions import viewer_of
from core.tenancy.identity.account import end_session, end_sign_ins, sessions_of
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import issue_ticket, open_session, sign_in
from core.ui.parts.devices import device
from tests import factories as make
from tests.api.client import get, refused
from tests.api.client import token_of as api_token_of
from tests.ports import owner
from tests.ui.screens import holding, opened, token_of, words

PASSWORD, OTHER = "amber-birch-cobalt-1234", "a heron waits in the reeds"
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), "sales_rep", password_hash=password_hash)


def test_the_screen_lists_each_browser_in_words_and_marks_this_one(person):
    open_session(issue_ticket(person.user_id), address="192.0.2.7", user_agent=MAC)

    said = words(opened("account", person))

    assert "**Chrome on Mac**" in said
    assert "**A browser** · this browser" in said
    assert any(line.startswith("192.0.2.7 · signed in today ") for line in said)


def test_one_browser_is_signed_out_and_only_that_one(person):
    here, there, third = (token_of(person) for _ in range(3))
    with holding(here) as page:
        lost = next(session for session in own(here) if session.id == id_of(there))
        page("account").button(key=f"end {lost.id}").click().run()

    assert [viewer_of(token) is not None for token in (here, there, third)] == [True, False, True]


@pytest.mark.parametrize(
    ("button", "left"),
    [
        ("Sign out other browsers", [True, False, False]),
        ("Sign out everywhere", [False, False, False]),
    ],
)
def test_signing_out_everywhere_ends_browsers_tickets_and_programs(person, button, left):
    here, there, third = (token_of(person) for _ in range(3))
    ticket, program = issue_ticket(person.user_id), api_token_of(person)
    assert get("/api/events", program).status_code == 200
    with holding(here) as page:
        shown = page("account")
        next(each for each in shown.button if each.label == button).click().run()
        assert not shown.exception

    assert [viewer_of(token) is not None for token in (here, there, third)] == left
    assert open_session(ticket, address="", user_agent="") is None
    assert refused(get("/api/events", program)) == (401, "unauthorized", None)
    assert get("/api/events", api_token_of(person)).status_code == 200


def test_nobody_ends_a_browser_of_somebody_else(person):
    mine, stranger = token_of(person), make.viewer(person.organization_id, "admin")
    theirs = token_of(stranger)
    with stranger.transaction() as db, pytest.raises(NotFound):
        end_session(db, theirs, id_of(mine))

    assert [session.id for session in own(theirs)] == [id_of(theirs)]
    assert viewer_of(mine) is not None


def test_a_session_that_has_ended_shows_and_ends_nothing(person):
    ended, other = token_of(person), token_of(person)
    with person.transaction() as db:
        end_session(db, other, id_of(ended))
        assert sessions_of(db, ended) == []
        assert end_sign_ins(db, ended, also_this=True) == 0
    assert viewer_of(other) is not None


def change(shown, current, new, again=None):
    for label, value in (
        ("Current password", current),
        ("New password", new),
        ("New password again", again or new),
    ):
        next(field for field in shown.text_input if field.label == label).input(value)
    return (
        next(button for button in shown.button if button.label == "Change password").click().run()
    )


def test_a_new_password_ends_every_other_sign_in_and_the_old_one_is_nothing_any_more(person):
    here, there, program = token_of(person), token_of(person), api_token_of(person)
    with holding(here) as page:
        shown = change(page("account"), PASSWORD, OTHER)
        assert (shown.error, shown.exception) == ([], [])
        assert "Password changed" in shown.toast[0].value

    assert [viewer_of(token) is not None for token in (here, there)] == [True, False]
    assert refused(get("/api/events", program)) == (401, "unauthorized", None)
    assert sign_in(person.email, OTHER, address="192.0.2.9") == person.user_id
    with pytest.raises(Exception, match="is not right"):
        sign_in(person.email, PASSWORD, address="192.0.2.9")


@pytest.mark.parametrize(
    ("current", "new", "again", "answer"),
    [
        ("not the password", OTHER, OTHER, "The current password is not right."),
        (PASSWORD, OTHER, OTHER + "s", "The two new passwords do not match."),
        (
            PASSWORD,
            "too short",
            "too short",
            "A password needs at least 12 characters; a few words in a row are easiest.",
        ),
        (
            PASSWORD,
            f" {PASSWORD} ",
            f" {PASSWORD} ",
            "The new password is the current one; choose another.",
        ),
    ],
)
def test_a_password_that_cannot_be_set_is_refused_in_words_and_nothing_ends(
    person, current, new, again, answer
):
    here, there = token_of(person), token_of(person)
    with holding(here) as page:
        shown = change(page("account"), current, new, again)

    assert answer in words(shown)
    assert viewer_of(there) is not None
    assert sign_in(person.email, PASSWORD, address="192.0.2.10") == person.user_id


def test_the_current_password_cannot_be_guessed_from_a_stolen_browser(person):
    here = token_of(person)
    with holding(here) as page:
        for _ in range(6):
            shown = change(page("account"), "not the password", OTHER)
    assert any("Too many tries" in line for line in words(shown))


def test_whoever_has_no_password_is_not_asked_for_one():
    person = make.viewer(make.organization())
    assert "Password" not in [heading.value for heading in opened("account", person).subheader]


def moved(session_id, **columns):
    """Moves the session's instants into the past, as if time had gone by."""
    changes = ", ".join(
        f"{name} = now() + make_interval(mins => {minutes})" for name, minutes in columns.items()
    )
    with owner() as db:
        db.execute(
            text(f"update app.sign_in_sessions set {changes} where id = :id"), {"id": session_id}
        )


@pytest.mark.parametrize(("minutes", "signed_in"), [(12 * 60 - 1, True), (12 * 60 + 1, False)])
def test_a_session_ends_after_twelve_hours_without_use(person, minutes, signed_in):
    idle, other = token_of(person), token_of(person)
    session_id = id_of(idle)
    moved(session_id, last_seen_at=-minutes)

    assert (session_id in [session.id for session in own(other)]) is signed_in
    assert (viewer_of(idle) is not None) is signed_in


def test_looking_on_counts_as_no_use_and_acting_does(person):
    token = token_of(person)
    session_id = id_of(token)
    for in_use, stays in ((False, True), (True, False)):
        moved(session_id, last_seen_at=-11 * 60)
        viewer_of(token, in_use=in_use)
        with owner() as db:
            since = db.execute(
                text("select now() - last_seen_at from app.sign_in_sessions where id = :id"),
                {"id": session_id},
            ).scalar()
        assert (since > timedelta(hours=10)) is stays


def test_use_keeps_a_session_alive_but_not_beyond_seven_days(person):
    used = token_of(person)
    session_id = id_of(used)
    with owner() as db:
        lasts = db.execute(
            text("select expires_at - created_at from app.sign_in_sessions where id = :id"),
            {"id": session_id},
        ).scalar()
    assert lasts == timedelta(days=7)
    moved(session_id, last_seen_at=-12 * 60 + 1)
    assert viewer_of(used) is not None
    moved(session_id, last_seen_at=-12 * 60 + 1)
    assert viewer_of(used) is not None
    moved(session_id, created_at=-7 * 24 * 60, expires_at=0)
    assert viewer_of(used) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (MAC, "Chrome on Mac"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0"
                " Safari/537.36 Edg/140.0.0.0"
            ),
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox on Linux",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
                " Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile"
                " Safari/537.36"
            ),
            "Chrome on Android",
        ),
        ("curl/8.0 <b>[x](javascript:1)", "A browser"),
        ("", "A browser"),
        (None, "A browser"),
    ],
)
def test_a_browser_is_named_in_words(said, shown):
    assert device(said) == shown


def own(token):
    with viewer_of(token).transaction() as db:
        return sessions_of(db, token)


def id_of(token):
    return next(session.id for session in own(token) if session.is_this)
