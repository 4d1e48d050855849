"""Connections to Postgres, each transaction under exactly one identity that row-level security
enforces.

``as_member`` is a signed-in person, ``as_key`` a program with an API key, ``as_system`` a receiver
or job acting in one organisation, ``as_guest`` nobody yet: only the functions of sign-in answer.
Every one but a guest's knows its organisation: ``organization_id_of``.
Nothing is set on a connection, only on a transaction, so no identity can leak through the pool.
"""

from __future__ import annotations

import atexit
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from uuid import UUID

from psycopg import DataError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import Pool

from core.platform.errors import InvalidInput, Misconfigured, NotAllowed
from core.platform.local_postgres import LocalPostgres
from core.platform.settings import settings

APP_ROLE = "so_app"
WORKER_ROLE = "so_worker"
DATABASE = "salesops"
INSUFFICIENT_PRIVILEGE = "42501"
READ_ONLY = "25006"
POOLS: dict[str, Pool] = {}  # those that this process has opened, by role, for monitoring
ORGANIZATION_ID = "organization_id"
NOT_STORABLE = {"22021", "22P05"}  # bytes that are no text, and in JSON the zero character


@lru_cache
def embedded() -> LocalPostgres:
    """This process's hold on the embedded server, kept until the process ends; the last one to
    leave stops it.
    """
    postgres = LocalPostgres(settings().data_dir / "postgres").start()
    atexit.register(postgres.stop)
    return postgres


def owner_url() -> URL:
    """The address that migrations use: DATABASE_URL, else the embedded server's superuser."""
    if configured := settings().database_url:
        return make_url(configured.get_secret_value()).set(drivername="postgresql+psycopg")
    return make_url(embedded().url(DATABASE)).set(drivername="postgresql+psycopg")


def role_password(role: str) -> str:
    """The password of one of the application's roles, derived from the owner's, so that every
    process knows it.
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
    """The process's pool for one role. Raises Misconfigured when the role could walk past the
    policies.
    """
    # Parameters are people's data: a traceback in the log names the statement without them.
    made = create_engine(
        role_url(role), pool_size=5, max_overflow=10, pool_pre_ping=True, hide_parameters=True
    )
    POOLS[role] = made.pool

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

    return made


@contextmanager
def _transaction(role: str, statement: str, **identity: object) -> Iterator[Session]:
    """The statement takes the identity and answers with its organisation.

    Reads end with commit too: psycopg drops its prepared statements on a rollback.
    """
    with Session(engine(role), expire_on_commit=False) as db, db.begin():
        try:
            db.info[ORGANIZATION_ID] = db.execute(text(statement), identity).scalar_one()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
                raise NotAllowed("You are not a member of this organisation.") from error
            raise
        yield db


def organization_id_of(db: Session) -> UUID:
    """The organisation that the transaction acts in, as the database decided when it began. A
    guest's transaction acts in none, and asking it is a defect.
    """
    return db.info[ORGANIZATION_ID]


@contextmanager
def as_member(user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A transaction as a signed-in person in one organisation. Raises NotAllowed when they are no
    member of it.
    """
    with _transaction(
        APP_ROLE, "select app.enter(:user, :org)", user=user_id, org=organization_id
    ) as db:
        yield db


@contextmanager
def as_viewed_member(by: UUID, user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A read-only transaction as the admin ``by`` who looks as somebody with no more rights.

    Raises NotAllowed when ``by`` may not do that, and for every change.
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
                "You are looking as somebody else, so nothing was changed. Stop looking first."
            ) from error
        raise


@contextmanager
def as_board(user_id: UUID, organization_id: UUID) -> Iterator[Session]:
    """A read-only look at the whole organisation's events and payments, for leaderboards only.

    Raises NotAllowed when the organisation does not show leaderboards to this member.
    """
    with _transaction(
        APP_ROLE, "select app.enter_board(:user, :org)", user=user_id, org=organization_id
    ) as db:
        yield db


@contextmanager
def as_key(key_hash: bytes) -> Iterator[Session]:
    """A transaction as the organisation's API key with this hash. Raises NotAllowed for an unknown
    or revoked one.
    """
    with _transaction(APP_ROLE, "select app.enter_key(:hash)", hash=key_hash) as db:
        yield db


@contextmanager
def as_link(token_hash: bytes, purpose: str, event_id: UUID | None = None) -> Iterator[Session]:
    """A transaction of whoever holds a link: it reads what the link opens, and with ``event_id``
    files that call's form.

    Raises NotAllowed for a link that is unknown, expired or revoked, and for a call that is not its
    closer's.
    """
    statement = "select app.enter_link(:hash, :purpose, :event)"
    with _transaction(APP_ROLE, statement, hash=token_hash, purpose=purpose, event=event_id) as db:
        yield db


@contextmanager
def as_system(organization_id: UUID) -> Iterator[Session]:
    """A transaction of the receiver, a job or a command, inside one organisation."""
    with _transaction(WORKER_ROLE, "select app.enter_system(:org)", org=organization_id) as db:
        yield db


@contextmanager
def as_guest(role: str = APP_ROLE) -> Iterator[Session]:
    """A transaction of nobody: tables show no rows, only the functions of sign-in and of the
    receiver answer.
    """
    with Session(engine(role), expire_on_commit=False) as db, db.begin():
        yield db
