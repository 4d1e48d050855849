"""E-mails are sent through Resend, a mail server or a folder: once, or not at all, or twice where
that does no harm. Their secrets go with them.
"""

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage, SuppressedEmail
from core.deliveries.sending import send_outbox
from core.messages.email_outbox import open_email
from core.messages.email_templates import invitation, password_reset, quiet
from core.people.models import Contact, ContactEmail
from core.platform.database import as_system
from core.platform.errors import InvalidInput, ProviderError, ProviderUnavailable, RateLimited
from core.platform.normalization import mailable_email
from core.platform.tasks import MAX_ATTEMPTS
from tests import factories as make
from tests.fakes import resend as resends
from tests.fakes import smtp as smtps
from tests.flow import work
from tests.jobs.mail import HELLO, SENDER, TO, TOKEN, put
from tests.jobs.outbox import jobs_of, message, outcome
from tests.ports import free_port


def stored(org, message_id):
    return json.dumps(message(org, message_id).body)


def suppress(org, reason, email=TO):
    with as_system(org) as db:
        db.add(SuppressedEmail(organization_id=org, email_normalized=email, reason=reason))


def test_resend_is_handed_the_email_with_the_messages_id_as_its_key(org, resend):
    posted = put(org)
    work()
    assert resend.sent == [
        {
            "from": SENDER,
            "to": [TO],
            "subject": HELLO.subject,
            "html": HELLO.html,
            "text": HELLO.text,
            "headers": {"Auto-Submitted": "auto-generated"},
            "tags": [{"name": "organization", "value": str(org)}],
        }
    ]
    assert list(resend.by_key) == [str(posted)]
    assert outcome(org, posted) == ("sent", None)


def test_what_it_says_is_sealed_while_it_waits_and_gone_once_it_is_sent(org, resend):
    posted = put(org)
    manager = make.viewer(org, "manager")
    with manager.transaction() as db:
        waiting = db.scalars(select(OutboxMessage)).one()
        assert (waiting.recipient, waiting.body["subject"]) == (TO, "Hello")
        assert TOKEN not in json.dumps(waiting.body)
    with as_system(org) as db:
        assert open_email(db.scalars(select(OutboxMessage)).one()) == HELLO
    work()
    assert message(org, posted).body == {"subject": "Hello"}


def test_a_sealed_email_opens_in_no_other_row(org, resend):
    first, second = put(org, "first"), put(org, "second")
    with as_system(org) as db:
        moved = (
            "update app.outbox o set body = (select body from app.outbox where id = :first) where"
            " o.id = :second"
        )
        db.execute(text(moved), {"first": first, "second": second})
    send_outbox(org, second)
    assert outcome(org, second) == (
        "failed",
        "A stored secret does not belong to its row; enter it again.",
    )
    assert resend.sent == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (resends.RATE_LIMITED, RateLimited),
        (resends.BROKEN, ProviderUnavailable),
        (resends.STILL_RUNNING, RateLimited),
        (resends.TakeAndHangUp(), ProviderUnavailable),
    ],
)
def test_what_resend_did_not_confirm_is_sent_again_under_the_same_key_and_arrives_once(
    org, resend, answer, error
):
    posted = put(org)
    resend.will(answer, answer)
    for attempt in (1, 2):
        with pytest.raises(error):
            send_outbox(org, posted, attempt=attempt)
        assert message(org, posted).status == "waiting"
    send_outbox(org, posted, attempt=3)
    assert (outcome(org, posted), len(resend.sent), resend.requests) == (("sent", None), 1, 3)


def test_a_worker_that_died_while_sending_does_no_harm_with_resend(org, resend):
    posted = put(org)
    resend.will(resends.TakeAndHangUp())
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    with as_system(org) as db:
        db.execute(text("update app.outbox set status = 'sending'"))
    send_outbox(org, posted)
    assert (message(org, posted).status, len(resend.sent)) == ("sent", 1)


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (
            resends.INVALID,
            "failed",
            "Resend refused the e-mail: 422 validation_error About validation_error.",
        ),
        (
            resends.UNVERIFIED,
            "failed",
            "Resend refuses the key or the sender (validation_error): About validation_error.",
        ),
        (
            resends.WRONG_KEY,
            "failed",
            "Resend refuses the key or the sender (invalid_api_key): About invalid_api_key.",
        ),
        (
            resends.refusal(302, "moved", Location="https://example.com/"),
            "failed",
            "Resend refused the e-mail: 302 moved About moved.",
        ),
    ],
)
def test_what_resend_refuses_has_failed_at_once(org, resend, answer, status, why):
    posted = put(org)
    resend.will(answer)
    work()
    assert outcome(org, posted) == (status, why)
    assert (resend.requests, jobs_of(org), message(org, posted).body) == (
        1,
        [],
        {"subject": "Hello"},
    )


def test_when_resend_knows_another_email_under_the_key_nobody_knows_what_went_out(org, resend):
    posted = put(org, kind="news")
    resend.will(resends.TakeAndHangUp())
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    resend.by_key[str(posted)] = b"{}", "mail-other"
    with pytest.raises(ProviderError, match="another e-mail under this key"):
        send_outbox(org, posted, attempt=2)
    send_outbox(org, posted, attempt=MAX_ATTEMPTS)
    assert message(org, posted).status == "uncertain"


@pytest.mark.parametrize(
    ("answer", "at_least_s"), [(resends.RATE_LIMITED, 30), (resends.BROKEN, 1)]
)
def test_the_next_try_waits_as_long_as_resend_asks(org, resend, answer, at_least_s):
    put(org)
    resend.will(answer)
    before = datetime.now(UTC)
    work()
    [(status, due)] = jobs_of(org)
    assert status == "todo"
    assert timedelta(seconds=at_least_s) <= due - before < timedelta(seconds=at_least_s + 60)


def test_a_used_up_quota_is_waited_out_until_the_next_day(org, resend):
    put(org)
    resend.will(resends.QUOTA_USED_UP)
    before = datetime.now(UTC)
    work()
    [(_, due)] = jobs_of(org)
    assert due.astimezone(UTC).date() > before.date()


def test_a_mail_server_gets_the_email_encrypted_after_the_sign_in(org, smtp):
    posted = put(
        org,
        email=invitation(
            "Ørsted & Søn",
            "Ana",
            "sales_rep",
            f"https://app.example.com/invitation?token={TOKEN}",
            days=7,
        ),
    )
    work()
    assert outcome(org, posted) == ("sent", None)
    [mail] = smtp.taken
    assert smtp.envelopes == [("no-reply@mail.example.com", TO)]
    assert (mail["From"], mail["To"], mail["Message-ID"]) == (
        SENDER,
        TO,
        f"<{posted}@mail.example.com>",
    )
    assert mail["Subject"] == "Ana invites you to Ørsted & Søn"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert all(TOKEN in part.get_content() for part in mail.iter_parts())
    assert [line.split(" ")[0] for line in smtp.said_in_clear] == ["ehlo", "STARTTLS"]


def test_a_mail_server_that_is_encrypted_from_the_first_byte_is_spoken_to_like_that(
    org, setting, pem
):
    with smtps.FakeSmtp(pem, from_the_start=True).running() as fake:
        setting(SMTP_URL=f"smtps://localhost:{fake.port}", EMAIL_FROM=SENDER, SSL_CERT_FILE=pem)
        posted = put(org)
        work()
        assert (outcome(org, posted), len(fake.taken), fake.said_in_clear) == (
            ("sent", None),
            1,
            [],
        )


def test_nothing_is_said_to_a_server_that_offers_no_encryption(org, setting, pem):
    with smtps.FakeSmtp(pem, starttls=False).running() as fake:
        setting(SMTP_URL=f"smtp://{smtps.USER}:x@localhost:{fake.port}", EMAIL_FROM=SENDER)
        posted = put(org)
        work()
        status, why = outcome(org, posted)
        assert (status, fake.taken) == ("failed", [])
        assert "no encryption" in why
        assert not any(line.startswith(("AUTH", "MAIL", "mail")) for line in fake.said_in_clear)


def test_a_certificate_that_nobody_trusts_is_not_spoken_to(org, smtp, setting, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    posted = put(org)
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    assert outcome(org, posted) == ("waiting", "The mail server's certificate cannot be trusted.")
    assert smtp.taken == []


@pytest.mark.parametrize(
    "url",
    [
        "smtp+plain://mail.example.com",
        "http://localhost",
        "mail.example.com:25",
        "smtp://",
        "smtp+plain://localhost.example.com",
    ],
)
def test_an_address_of_no_safe_mail_server_is_refused(org, setting, url):
    setting(SMTP_URL=url, EMAIL_FROM=SENDER)
    posted = put(org)
    work()
    status, why = outcome(org, posted)
    assert status == "failed"
    assert why.startswith("SMTP_URL")


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("MAIL", "451 busy", RateLimited),
        ("RCPT", "450 greylisted", RateLimited),
        ("taken", "452 full", RateLimited),
        ("AUTH", "454 later", ProviderUnavailable),
        ("RCPT", "hang up", ProviderUnavailable),
        ("DATA", "421 closing", RateLimited),
    ],
)
def test_what_a_mail_server_puts_off_is_tried_again(org, smtp, command, answer, error):
    posted = put(org, kind="news")
    smtp.refuses[command] = [answer]
    with pytest.raises(error):
        send_outbox(org, posted)
    assert (message(org, posted).status, smtp.taken) == ("waiting", [])
    send_outbox(org, posted, attempt=2)
    assert (message(org, posted).status, len(smtp.taken)) == ("sent", 1)


@pytest.mark.parametrize(
    ("command", "answer", "why"),
    [
        ("RCPT", "550 no such person", "The mail server refused the e-mail: 550 no such person"),
        ("MAIL", "553 not your domain", "The mail server refused the e-mail: 553 not your domain"),
        ("taken", "554 spam", "The mail server refused the e-mail: 554 spam"),
        ("AUTH", "535 wrong", "The mail server refuses the name or the password of SMTP_URL."),
    ],
)
def test_what_a_mail_server_refuses_for_good_has_failed(org, smtp, command, answer, why):
    posted = put(org)
    smtp.refuses[command] = [answer]
    work()
    assert outcome(org, posted) == ("failed", why)
    assert (smtp.taken, jobs_of(org)) == ([], [])


def test_news_that_may_have_arrived_are_not_sent_twice_but_a_link_is(org, smtp):
    news, link = put(org, "news", kind="news"), put(org, "link", kind="password_reset")
    smtp.refuses["taken"] = ["hang up", "hang up"]
    send_outbox(org, news)
    with pytest.raises(ProviderError):
        send_outbox(org, link)
    assert outcome(org, news) == (
        "uncertain",
        "The mail server did not say whether it took the e-mail.",
    )
    for each in (news, link):
        send_outbox(org, each, attempt=2)
    assert (message(org, news).status, message(org, link).status, len(smtp.taken)) == (
        "uncertain",
        "sent",
        3,
    )


def test_where_no_mail_server_listens_it_is_tried_again(org, setting):
    setting(SMTP_URL=f"smtp+plain://localhost:{free_port()}", EMAIL_FROM=SENDER)
    posted = put(org)
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    assert outcome(org, posted) == ("waiting", "The mail server cannot be reached.")
    send_outbox(org, posted, attempt=MAX_ATTEMPTS)
    assert outcome(org, posted) == ("failed", "The mail server cannot be reached.")


def test_without_a_mail_server_the_email_is_a_file_for_its_owners_eyes(
    org, setting, tmp_path, capfd
):
    setting(DATA_DIR=tmp_path)
    posted = put(org)
    work()
    assert outcome(org, posted) == ("sent", None)
    [path] = (tmp_path / "mail").iterdir()
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert (mail["To"], mail["Subject"], mail.get_body(("plain",)).get_content().splitlines()) == (
        TO,
        "Hello",
        ["Hello", TOKEN],
    )
    assert [stat.S_IMODE(os.stat(each).st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    assert TOKEN not in capfd.readouterr().err


@pytest.mark.parametrize("reason", ["bounced", "complained"])
@pytest.mark.parametrize("kind", ["password_reset", "invitation", "news"])
def test_an_address_that_bounced_or_complained_gets_nothing_any_more(org, resend, reason, kind):
    suppress(org, reason)
    posted = put(org, kind=kind)
    work()
    assert outcome(org, posted) == (
        "failed",
        f"Nothing is sent to this address any more: it {reason}.",
    )
    assert (resend.requests, message(org, posted).body) == (0, {"subject": "Hello"})


def test_whoever_unsubscribed_gets_no_news_but_still_what_is_about_their_account(org, resend):
    suppress(org, "unsubscribed")
    news, reset = put(org, "news", kind="news"), put(org, "reset", kind="password_reset")
    work()
    assert [message(org, each).status for each in (news, reset)] == ["failed", "sent"]


def test_a_contact_who_wants_no_mail_gets_none_at_any_of_their_addresses(org, resend):
    with as_system(org) as db:
        contact = Contact(organization_id=org, id=uuid4(), unsubscribed_at=make.NOON)
        db.add(contact)
        db.flush()
        db.add(
            ContactEmail(organization_id=org, contact_id=contact.id, email=TO, email_normalized=TO)
        )
    news, reset = put(org, "news", kind="news"), put(org, "link", kind="link")
    work()
    assert [message(org, each).status for each in (news, reset)] == ["failed", "sent"]


def test_what_one_organisation_knows_of_an_address_does_not_stop_another(org, resend):
    suppress(make.organization(), "bounced")
    posted = put(org)
    work()
    assert message(org, posted).status == "sent"


HOSTILE = [
    "a@example.com\r\nBcc: b@example.com",
    "a@example.com\nb@example.com",
    "a@example.com,b@example.com",
    "a@example.com;b",
    "<a@example.com>",
    "a@example.com>",
    '"a b"@example.com',
    "a(b)@example.com",
    "a@example.com%0aBcc:b@example.com",
    "a@-example.com",
    "a@example..com",
    ".a@example.com",
    "a@[127.0.0.1]",
    "a" * 250 + "@example.com",
    "a@exa\u0000mple.com",
    "☃@example.com",
    "a@☃.example",
    "a@-ü.example",
    "a@ü..example",
    "a@ü_x.example",
    "á" * 130 + "@example.com",
]


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("a\u200db@example.com", "ab@example.com"),
        ("a\u202eb@example.com", "ab@example.com"),
        ("a@münchen。example", "a@münchen.example"),
    ],
)
def test_what_is_not_seen_in_an_address_is_no_part_of_it(address, plain):
    assert mailable_email(address) == plain


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_could_be_more_than_one_is_none(org, address):
    assert mailable_email(address) is None
    with pytest.raises(InvalidInput):
        put(org, to=address)


@pytest.mark.parametrize(
    "address", ["a.b+c@example.com", "O'Neil@Example.CO.uk", "x_1@sub.example.com"]
)
def test_plain_addresses_stay_addresses(address):
    assert mailable_email(f" {address} ") == address.lower()


def test_strangers_words_become_neither_markup_nor_headers_nor_links(org, smtp):
    name = (
        'Ana <img src="https://shop.example.net/x.png"> www.shop.example.net\r\nBcc: b@example.com'
    )
    put(
        org,
        email=invitation(
            name, name, "sales_rep", "https://app.example.com/invitation?token=x&y=1", days=7
        ),
    )
    work()
    [mail] = smtp.taken
    html = mail.get_body(("html",)).get_content()
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    assert "<img" not in html
    assert "&lt;img" in html
    assert "shop.example" not in mail.get_body(("plain",)).get_content() + html + mail["Subject"]
    assert 'href="https://app.example.com/invitation?token=x&amp;y=1"' in html


@pytest.mark.parametrize(
    "email",
    [
        invitation(
            "Acme", "Ana", "sales_rep", "https://app.example.com/invitation?token=x", days=7
        ),
        password_reset("Acme", "https://app.example.com/reset?token=x", minutes=30),
    ],
)
def test_nothing_in_an_email_is_fetched_from_anywhere(email):
    assert not any(
        piece in email.html for piece in ("src=", "<img", "<link", "<script", "url(", "@import")
    )
    assert email.html.count("https://") == email.text.count("https://") == 1
    assert "Acme" in email.text
    assert "Acme" in email.html


def test_long_names_are_cut():
    assert len(quiet("x" * 5000)) == 80
    assert quiet("Ana Øster") == "Ana Øster"


def test_a_sender_that_is_no_address_is_said(org, setting, tmp_path):
    setting(DATA_DIR=tmp_path, EMAIL_FROM="nobody")
    posted = put(org)
    work()
    assert outcome(org, posted)[1].startswith("EMAIL_FROM must be an address")
    assert list(tmp_path.iterdir()) == []


def test_the_keys_are_in_no_row_and_no_log(org, resend, setting, capfd):
    resend.will(resends.WRONG_KEY, resends.BROKEN, resends.INVALID)
    for number in range(3):
        put(org, str(number))
    work()
    with as_system(org) as db:
        told = [*db.scalars(select(OutboxMessage.last_error)), capfd.readouterr().err]
    assert not any(resends.API_KEY in text or TOKEN in text for text in told if text)
