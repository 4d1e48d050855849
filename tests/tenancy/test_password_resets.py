"""A forgotten password: the same answer for everybody, a link that works once, and the end of
everything issued before.
"""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage, SuppressedEmail
from core.messages.email_outbox import open_email
from core.platform.database import as_guest, as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from core.platform.tasks import TASKS
from core.tenancy.access import password_resets
from core.tenancy.access.api_access import NotSignedIn, caller_of
from core.tenancy.access.models import OrganizationMember
from core.tenancy.access.password_resets import ask_for_link, choose_password, whose_link
from core.tenancy.access.sessions import viewer_of
from core.tenancy.identity.account import change_password
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import issue_ticket, open_session, sign_in
from jobs.tasks import import_declarations
from tests import factories as make
from tests.ports import owner
from tests.statements import statements

OLD, NEW = "amber-birch-cobalt-1234", "douglas-ember-fjord-5678"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(OLD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(name="Acme"), password_hash=password_hash)


def address():
    return f"198.51.100.{next(make.number)}"


def waiting(task):
    """The arguments of the waiting jobs, which stay in the queue."""
    with owner() as db:
        return (
            db.execute(
                text(
                    "select args from jobs.procrastinate_jobs where task_name = :task and status ="
                    " 'todo' order by id"
                ),
                {"task": task},
            )
            .scalars()
            .all()
        )


def run_waiting(task):
    """Runs the waiting jobs as a worker would."""
    import_declarations()
    jobs = waiting(task)
    with owner() as db:
        db.execute(text("set local search_path = jobs"))
        db.execute(text("delete from procrastinate_jobs where task_name = :task"), {"task": task})
    for args in jobs:
        TASKS[task].run(UUID(args.pop("organization_id")), 1, args)


@pytest.fixture(autouse=True)
def _nothing_waits():
    yield
    with owner() as db:
        db.execute(text("set local search_path = jobs"))
        db.execute(text("delete from procrastinate_jobs where task_name like 'send_%'"))


def emails(org):
    with as_system(org) as db:
        posted = db.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at))
        return [(message.kind, message.recipient, open_email(message)) for message in posted]


def tokens_of(person):
    texts = [
        email.text for kind, _, email in emails(person.organization_id) if kind == "password_reset"
    ]
    return [text.split("/reset?token=")[1].split()[0] for text in texts]


def link(person):
    """The token of another link, taken from the e-mail."""
    ask_for_link(person.email, address=address())
    run_waiting("send_password_reset")
    return tokens_of(person)[-1]


def test_the_link_in_the_email_leads_to_a_new_password_once(person):
    token = link(person)
    [(kind, to, email)] = emails(person.organization_id)
    assert (kind, to) == ("password_reset", person.email)
    assert "30 minutes" in email.text
    assert "Acme" in email.html
    assert whose_link(token) == person.email

    choose_password(token, NEW)

    assert sign_in(person.email, NEW, address=address()) == person.user_id
    with pytest.raises(NotAllowed):
        sign_in(person.email, OLD, address=address())
    assert whose_link(token) is None
    with pytest.raises(Conflict):
        choose_password(token, "grove-hazel-iris-9012")
    assert sign_in(person.email, NEW, address=address()) == person.user_id


def test_nothing_of_before_works_afterwards(person):
    browser = open_session(issue_ticket(person.user_id), address="", user_agent="")
    ticket, earlier, token = issue_ticket(person.user_id), link(person), link(person)
    assert viewer_of(browser)

    choose_password(token, NEW)

    assert viewer_of(browser) is None
    assert open_session(ticket, address="", user_agent="") is None
    assert whose_link(earlier) is None
    with pytest.raises(Conflict):
        choose_password(earlier, OLD)
    with owner() as db:
        valid_from, changed_at = db.execute(
            text("select tokens_valid_from, password_changed_at from app.users where id = :id"),
            {"id": person.user_id},
        ).one()
        assert valid_from >= changed_at
        assert db.scalar(text("select now() - :at < interval '1 minute'"), {"at": valid_from})


def test_the_owner_is_told_of_the_new_password(person):
    choose_password(link(person), NEW)
    run_waiting("send_password_changed")
    [_, (kind, to, email)] = emails(person.organization_id)
    assert (kind, to) == ("password_changed", person.email)
    assert "was changed" in email.text


def test_the_owner_is_told_too_when_the_password_was_changed_on_the_account_screen(person):
    browser = open_session(issue_ticket(person.user_id), address="", user_agent="")
    with as_guest() as db:
        change_password(db, browser, current=OLD, new=NEW, address=address())
    run_waiting("send_password_changed")
    assert [(kind, to) for kind, to, _ in emails(person.organization_id)] == [
        ("password_changed", person.email)
    ]


def test_the_audit_log_says_that_the_password_changed_and_not_to_what(person):
    choose_password(link(person), NEW)
    with owner() as db:
        lines = db.execute(
            text(
                "select actor_user_id, changes from app.audit_logs where table_name = 'users' and"
                " operation = 'update' and row_id = :id"
            ),
            {"id": str(person.user_id)},
        ).all()
    assert {line.actor_user_id for line in lines} == {person.user_id}
    assert [line.changes["password_hash"] for line in lines if "password_hash" in line.changes] == [
        ["…", "…"]
    ]


def test_two_browsers_with_one_link_set_one_password(person):
    token, set_, refused = link(person), [], []

    def choose(password):
        try:
            choose_password(token, password)
            set_.append(password)
        except Conflict:
            refused.append(password)

    both = [
        threading.Thread(target=choose, args=(password,))
        for password in (NEW, "grove-hazel-iris-9012")
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert (len(set_), len(refused)) == (1, 1)
    assert sign_in(person.email, set_[0], address=address()) == person.user_id


def test_a_link_is_good_for_half_an_hour(person):
    token = link(person)
    with owner() as db:
        left = db.scalar(
            text("select expires_at - now() from app.password_resets where user_id = :id"),
            {"id": person.user_id},
        )
        assert 29 * 60 < left.total_seconds() <= 30 * 60
        db.execute(
            text("update app.password_resets set expires_at = now() where user_id = :id"),
            {"id": person.user_id},
        )
    assert whose_link(token) is None
    with pytest.raises(Conflict):
        choose_password(token, NEW)
    assert sign_in(person.email, OLD, address=address()) == person.user_id


@pytest.mark.parametrize(
    "forged", ["", "x", "a" * 43, "' or true --", "\u0000", "é" * 20, "a" * 100_000]
)
def test_a_made_up_token_is_nobodys(person, forged):
    token = link(person)
    for made_up in (forged, token + "x", token[:-1], token.swapcase()):
        assert whose_link(made_up) is None
        with pytest.raises(Conflict):
            choose_password(made_up, NEW)


@pytest.mark.parametrize("password", ["", "short", "password12345"])
def test_an_easy_password_is_refused_and_the_link_stays_good(person, password):
    token = link(person)
    with pytest.raises(InvalidInput):
        choose_password(token, password)
    assert whose_link(token) == person.email


@pytest.mark.parametrize("ended", ["active = false", "deleted_at = now()"])
def test_a_closed_account_gets_no_link_and_an_earlier_one_is_worthless(person, ended):
    token = link(person)
    with owner() as db:
        db.execute(text(f"update app.users set {ended} where id = :id"), {"id": person.user_id})
    assert whose_link(token) is None
    with pytest.raises(Conflict):
        choose_password(token, NEW)
    ask_for_link(person.email, address=address())
    assert [args["user_id"] for args in waiting("send_password_reset")] == [None]
    run_waiting("send_password_reset")
    assert len(emails(person.organization_id)) == 1


def test_an_account_whose_address_no_mail_reaches_gets_none_and_no_job_fails_over_it(person):
    with owner() as db:
        db.execute(
            text(
                "update app.users set email = '☃@example.com', email_normalized = :new where id"
                " = :id"
            ),
            {"new": f"á{person.user_id}@example.com", "id": person.user_id},
        )
    ask_for_link(f"á{person.user_id}@example.com", address=address())
    assert waiting("send_password_reset")[0]["user_id"] == str(person.user_id)
    run_waiting("send_password_reset")
    assert emails(person.organization_id) == []


def test_who_belongs_nowhere_any_more_gets_no_link(person):
    ask_for_link(person.email, address=address())
    with owner() as db:
        db.execute(
            text("update app.organization_members set active = false where user_id = :id"),
            {"id": person.user_id},
        )
    run_waiting("send_password_reset")
    ask_for_link(person.email, address=address())
    run_waiting("send_password_reset")
    assert emails(person.organization_id) == []


@pytest.mark.parametrize(
    "email",
    [
        "nobody@example.com",
        "no address",
        "",
        "x" * 100_000,
        "a@example.com\r\nBcc: b@example.com",
        "\u0000@a.b",
    ],
)
def test_an_unknown_address_is_answered_with_the_same_work_and_no_email(person, email):
    with statements() as known:
        ask_for_link(f" {person.email.upper()} ", address=address())
    with statements() as unknown:
        ask_for_link(email, address=address())
    assert known == unknown
    mine, nobodys = waiting("send_password_reset")
    assert mine == {"organization_id": str(person.organization_id), "user_id": str(person.user_id)}
    assert nobodys == {"organization_id": NOBODY, "user_id": None}
    run_waiting("send_password_reset")
    assert len(emails(person.organization_id)) == 1


def test_three_links_in_half_an_hour_are_enough_for_an_account_and_nobody_is_told(
    person, monkeypatch
):
    for _ in range(5):
        ask_for_link(person.email, address=address())
    assert len(waiting("send_password_reset")) == password_resets.LINKS_PER_ACCOUNT
    run_waiting("send_password_reset")
    assert all(whose_link(token) == person.email for token in tokens_of(person))


def test_a_network_address_that_asks_too_often_waits_and_hinders_nobody_else(person):
    here = address()
    for number in range(password_resets.TRIES_PER_ADDRESS):
        ask_for_link(f"nobody{number}@example.com", address=here)
    with pytest.raises(TooManyRequests) as refusal:
        ask_for_link(person.email, address=here)
    assert 0 < refusal.value.retry_after_s <= 30 * 60
    ask_for_link(person.email, address=address())
    assert str(person.user_id) in [args["user_id"] for args in waiting("send_password_reset")]


def test_an_organisation_that_calls_an_address_bounced_does_not_keep_others_from_writing(person):
    with as_system(person.organization_id) as db:
        db.add(
            SuppressedEmail(
                organization_id=person.organization_id,
                email_normalized=person.email,
                reason="bounced",
            )
        )
    second = make.organization()
    with as_system(second) as db:
        db.add(
            OrganizationMember(
                organization_id=second,
                user_id=person.user_id,
                role="viewer",
                name="x",
                email=person.email,
            )
        )
    ask_for_link(person.email, address=address())
    run_waiting("send_password_reset")
    assert [to for _, to, _ in emails(second)] == [person.email]


def test_the_token_is_in_no_job_and_no_row_that_people_read(person):
    token = link(person)
    with person.transaction() as db:
        seen = str(db.execute(text("select * from app.outbox")).all())
    with owner() as db:
        seen += str(db.execute(text("select args from jobs.procrastinate_jobs")).all())
        seen += str(db.execute(text("select * from app.password_resets")).all())
    assert str(person.user_id) in seen
    assert token not in seen


@pytest.mark.parametrize(
    "call",
    [
        "app.organization_for_mail(:id)",
        "app.enqueue_account_mail('send_password_reset', :id)",
        "app.account_address(:id)",
        "app.add_password_reset(:id, 'x', 30)",
    ],
)
def test_people_cannot_make_links_themselves(person, call):
    with pytest.raises(Exception, match="permission denied"), person.transaction() as db:
        db.execute(text(f"select {call}"), {"id": person.user_id})


def test_a_link_of_one_kind_is_none_of_another(person):
    token = link(person)
    with pytest.raises(NotSignedIn):
        caller_of(f"Bearer {token}")
    assert viewer_of(token) is None
    assert open_session(token, address="", user_agent="") is None
