"""An e-mail with a secret, put into the outbox."""

from sqlalchemy import select

from core.deliveries.models import OutboxMessage
from core.messages.email_outbox import post_email
from core.messages.email_templates import Email
from core.platform.database import as_system

TOKEN = "s3cret-t0ken-of-the-link"
HELLO = Email("Hello", f"Hello\n{TOKEN}\n", f"<p>Hello {TOKEN}</p>")
TO = "somebody@example.com"
SENDER = "Sales Operations <no-reply@mail.example.com>"


def put(org, key="a", *, kind="invitation", to=TO, email=HELLO):
    with as_system(org) as db:
        post_email(db, kind, to, email, key)
        return db.scalars(select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key)).one()
