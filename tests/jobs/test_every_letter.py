"""Addresses with letters of every script: stored as people write them, sent to mail servers in the
form these accept, or refused beforehand.
"""

from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select

from core.deliveries.models import SuppressedEmail
from core.platform.database import as_system
from core.platform.errors import InvalidInput, ProviderUnavailable
from core.platform.normalization import mailable_email, smtp_address
from core.providers.connections import create_connection
from core.providers.email import check_reachable
from tests import flow
from tests.flow import work
from tests.jobs.mail import SENDER, TOKEN, put
from tests.jobs.outbox import message, outcome
from tests.ports import free_port


@pytest.mark.parametrize(
    ("address", "kept", "wire"),
    [
        ("Ana@BÜCHER.example", "ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@bu\u0308cher.example", "ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@XN--bcher-kva.example", "ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@straße.example", "ana@xn--strae-oqa.example"),
        ("Ñandú.1@例え.jp", "ñandú.1@例え.jp", "ñandú.1@xn--r8jz45g.jp"),
        ("a@example.com", "a@example.com", "a@example.com"),
    ],
)
def test_letters_of_every_script_are_kept_as_people_write_them(address, kept, wire):
    assert mailable_email(f" {address} ") == mailable_email(kept) == kept
    assert smtp_address(kept) == wire


def test_a_domain_of_any_letters_is_told_to_mail_servers_in_ascii(org, smtp):
    posted = put(org, to="ana@BÜCHER.example")
    work()
    assert outcome(org, posted) == ("sent", None)
    assert smtp.envelopes == [("no-reply@mail.example.com", "ana@xn--bcher-kva.example")]
    assert smtp.taken[0]["To"] == "ana@xn--bcher-kva.example"
    assert message(org, posted).recipient == "ana@bücher.example"


def test_resend_is_told_it_too_and_what_it_tells_back_blocks_the_address_as_it_is_kept(org, resend):
    put(org, to="ana@bücher.example")
    work()
    [sent] = resend.sent
    assert sent["to"] == ["ana@xn--bcher-kva.example"]
    with as_system(org) as db:
        connection = create_connection(db, "resend", "Mail", "whsec_secret")
        said = {
            "type": "email.bounced",
            "created_at": "2026-11-04T12:00:00Z",
            "data": {"to": sent["to"], "bounce": {"type": "Permanent"}},
        }
        flow.handle(db, connection, said)
        assert db.scalars(select(SuppressedEmail.email_normalized)).all() == ["ana@bücher.example"]


def test_letters_before_the_at_sign_go_to_a_mail_server_that_takes_them(org, smtp):
    smtp.offers.append("SMTPUTF8")
    check_reachable("ñandú@bücher.example")
    posted = put(org, to="ñandú@bücher.example")
    work()
    assert outcome(org, posted) == ("sent", None)
    assert smtp.envelopes == [("no-reply@mail.example.com", "ñandú@xn--bcher-kva.example")]
    assert smtp.taken[0]["To"] == "ñandú@xn--bcher-kva.example"
    assert TOKEN in smtp.taken[0].get_body(("plain",)).get_content()


def test_a_mail_server_that_does_not_take_them_is_asked_first_and_never_sent_them(org, smtp):
    with pytest.raises(InvalidInput, match="letters before the @"):
        check_reachable("ñandú@example.com")
    check_reachable("ana@bücher.example")
    posted = put(org, to="ñandú@example.com")
    work()
    assert outcome(org, posted) == (
        "failed",
        "The mail server takes no letters beyond ASCII before the @ of an address.",
    )
    assert smtp.taken == []


def test_resend_takes_no_such_letters_and_a_folder_does(org, setting, tmp_path, resend):
    with pytest.raises(InvalidInput, match="letters before the @"):
        check_reachable("ñandú@example.com")
    setting(RESEND_API_KEY="", DATA_DIR=tmp_path)
    check_reachable("ñandú@example.com")
    put(org, to="ñandú@example.com")
    work()
    [file] = (tmp_path / "mail").iterdir()
    assert message_from_bytes(file.read_bytes(), policy=default)["To"] == "ñandú@example.com"


def test_a_mail_server_that_cannot_be_asked_says_so(setting):
    setting(SMTP_URL=f"smtp+plain://localhost:{free_port()}", EMAIL_FROM=SENDER)
    with pytest.raises(ProviderUnavailable):
        check_reachable("ñandú@example.com")
