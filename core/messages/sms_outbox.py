"""Text messages in the outbox."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy.orm import Session

from core.deliveries.outbox import post
from core.messages.email_templates import quiet
from core.messages.sealing import sealed
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.normalization import normalize_phone
from core.tenancy.organizations.queries import current_organization

CHANNEL = "sms"
LONGEST = 1600  # characters that providers accept as one text message


def post_text(db: Session, kind: str, number: str, words: str, dedupe_key: str) -> bool:
    """Have a text message sent after this transaction commits. Returns False when one with this key
    was posted before.

    A ``number`` without a country code is read with the organisation's region. The text is sealed
    in the outbox.

    Raises:
        InvalidInput: this is no phone number, or the text is empty or longer than 1,600 characters.
        Misconfigured: no master key is set.
    """
    to, text = normalize_phone(number, current_organization(db).region), words.strip()
    if to is None:
        raise InvalidInput(
            "This is no phone number; with its country it begins with +, as in +45 20 12 34 56.",
            field="number",
        )
    if not text:
        raise InvalidInput("The text is empty.", field="words")
    if len(text) > LONGEST:
        raise InvalidInput(
            f"The text has {len(text):,} characters; {LONGEST:,} are the most.", field="words"
        )
    message_id = uuid4()
    body = sealed(text, organization_id_of(db), message_id)
    return post(db, CHANNEL, kind, to, body, dedupe_key, message_id=message_id)


def post_test_text(db: Session, number: str, sender: str) -> None:
    """Have a test message sent now; ``sender`` is who asked for it. Raises like ``post_text``."""
    words = f"Test message of {quiet(current_organization(db).name)}: {quiet(sender)} asked for it."
    post_text(db, "test", number, words, f"test text {uuid4()}")
