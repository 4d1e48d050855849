"""Connections to Postgres. Each transaction runs under exactly one identity, which row-level
security enforces.

The identities are a signed-in person (``as_member``), a program with an API key (``as_key``), a
receiver or job acting in one organisation (``as_system``), and somebody who has not signed in
(``as_guest``), for whom only the functions of the sign-in work. Every transaction but a guest's
belongs to an organisation; ``organization_id_of`` returns it. The identity is set on the
transaction and never on the connection, so it cannot leak through the pool.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from uuid import UUID

from psycopg import DataError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.platform.errors import InvalidInput, Misconfigured, NotAllowed
from core.platform.local_postgres import embedded
from core.platform.log import logger
from core.platform.outage import Outage, is_outage
from core.platform.settings import settings

# A connection that has gone silent without an error is given up after some seconds.
SILENCE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
APP_ROLE = "so_app"
WORKER_ROLE = "so_worker"
DATABASE = "salesops"
INSUFFICIENT_PRIVILEGE = "42501"
READ_ONLY = "25006"
ENGINES: dict[str, Engine] = {}  # what this process has opened, by role, for monitoring
ORGANIZATION_ID = "organization_id"
NOT_STORABLE = {"22021", "22P05"}  # bytes that are not valid text, and a zero character in JSON
log = logger("database")
outage = Outage(lambda event, **facts: log.warning(event, **facts))  # of this process


def owner_url() -> URL:
    """The address that migrations use: DATABASE_URL, else the embedded server's superuser."""
    if configured := settings().database_url:
        return make_url(configured.get_secret_value()).set(drivername="postgresql+psycopg")
    return make_url(embedded().url(DATABASE)).set(drivername="postgresql+psycopg")


def role_password(role: str) -> str:
    """The password of one of the application's roles. It is derived from the owner's password, so
    that every process can work it out.
    """
    secret = (owner_url().password or "").encode()
    return hmac.new(secret, f"salesops role {role}".encode(), hashlib.sha256).hexdigest()


def role_url(role: str) -> URL:
    """The address for ``so_app`` (people) or ``so_worker`` (receiver and jobs)."""
    own = settings().database_app_url if role == APP_ROLE else settings().database_worker_url
    if own is not None:
        return make_url(own.get_secret_value()).set(drivername="postgresql+psycopg")
    return owner_url().set(username=role, password=role_password(role))


@lru_cache
def engine(role: str) -> Engine:
    """The process's pool for one role. Raises Misconfigured when the role could bypass the
    policies.
    """
    # Parameters are personal data: a traceback in the log shows the statement without them.
    made = create_engine(
        role_url(role),
        pool_size=5,
        max_overflow=10,
        hide_parameters=True,
        connect_args=SILENCE,
    )
    ENGINES[role] = made

    @event.listens_for(made, "connect")
    def _refuse_powerful_roles(connection, _record) -> None:  # type: ignore[no-untyped-def]
        powerful = connection.execute(
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()[0]
        connection.commit()
        if powerful:
            raise Misconfigured(
                f"The database role for {role} is a superuser or bypasses row-level security, so"
                " organisations would not be kept apart. Run “python -m core migrate” and let the"
                " product derive its own roles."
            )

    @event.listens_for(made, "handle_error")
    def _refuse_zero_characters(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, DataError) and (error.sqlstate in NOT_STORABLE or "NUL" in str(error)):
            raise InvalidInput(
                "A text holds a character that cannot be stored; type it again."
            ) from error

    @event.listens_for(made, "handle_error")
    def _notice_outage(context: ExceptionContext) -> None:
        if is_outage(context.original_exception):
            outage.noticed(context.original_exception)

    return made


@contextmanager
def _transaction(role: str, statement: str, **identity: object) -> Iterator[Session]:
    """Run ``statement``, which sets the identity and returns the organisation it belongs to.

    Transactions that only read also end with a commit: psycopg drops its prepared statements on a
    rollback.
    """
    with _begun(role, statement, identity) as db:
        yield db
        db.commit()


def _begun(role: str, statement: str, identity: Mapping[str, object]) -> Session:
    """A session whose transaction has begun with the statement. A connection that died since it
    was last used shows itself here, before anything was done on it; then another one is taken.
    """
    try:
        return _tried(role, statement, identity)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return _tried(role, statement, identity)


def _tried(role: str, statement: str, identity: Mapping[str, object]) -> Session:
    db = Session(engine(role), expire_on_commit=False)
    try:
        organization_id = db.execute(text(statement), identity).scalar_one()
    except BaseException as error:
        db.close()
        if getattr(getattr(error, "orig", None), "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise NotAllowed("You are not a member of this organisation.") from error
        raise
    if organization_id is not None:
        db.info[ORGANIZATION_ID] = organization_id
    outage.over()
    return db


def organization_id_of(db: Session) -> UUID:
    """The organisation that the transaction acts in, as the database decided at its start.

    A guest's transaction has no organisation; asking for one is a programming error.
    """
    return db.info[ORGANIZATION_ID]


@contextmanager
def as_member(user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A transaction as a signed-in person in one organisation. Raises NotAllowed unless they are a
    member of it.
    """
    with _transaction(
        APP_ROLE, "select app.enter(:user, :org)", user=user_id, org=organization_id
    ) as db:
        yield db


@contextmanager
def as_viewed_member(by: UUID, user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A read-only transaction in which the admin ``by`` sees what the member ``user_id`` sees.

    Raises NotAllowed when the member has more rights than ``by``, and for every change.
    """
    try:
        with _transaction(
            APP_ROLE,
            "select app.enter_as(:by, :user, :org)",
            by=by,
            user=user_id,
            org=organization_id,
        ) as db:
            yield db
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == READ_ONLY:
            raise NotAllowed(
                "You are viewing as somebody else, so nothing was changed. Stop viewing first."
            ) from error
        raise


@contextmanager
def as_board(user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A read-only transaction that reads all events and payments of the organisation, for
    leaderboards only.

    Raises NotAllowed unless the organisation shows leaderboards to this member.
    """
    with _transaction(
        APP_ROLE, "select app.enter_board(:user, :org)", user=user_id, org=organization_id
    ) as db:
        yield db


@contextmanager
def as_key(key_hash: bytes) -> Iterator[Session]:
    """A transaction as the organisation's API key with this hash. Raises NotAllowed for a key that
    is unknown or revoked.
    """
    with _transaction(APP_ROLE, "select app.enter_key(:hash)", hash=key_hash) as db:
        yield db


@contextmanager
def as_link(token_hash: bytes, purpose: str, event_id: UUID | None = None) -> Iterator[Session]:
    """A transaction for the holder of an access link. It reads what the link opens; with
    ``event_id`` it may also file the post-call form of that event.

    Raises NotAllowed for a link that is unknown, expired or revoked, and for an event of another
    closer.
    """
    statement = "select app.enter_link(:hash, :purpose, :event)"
    with _transaction(APP_ROLE, statement, hash=token_hash, purpose=purpose, event=event_id) as db:
        yield db


@contextmanager
def as_system(organization_id: UUID) -> Iterator[Session]:
    """A transaction of the receiver, a job or a command, in one organisation."""
    with _transaction(WORKER_ROLE, "select app.enter_system(:org)", org=organization_id) as db:
        yield db


@contextmanager
def as_guest(role: str = APP_ROLE) -> Iterator[Session]:
    """A transaction without an identity: tables show no rows, and only the functions of the sign-in
    and of the receiver may be called.
    """
    with _transaction(role, "select null::uuid") as db:
        yield db
