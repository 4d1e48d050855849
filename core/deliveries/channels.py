"""Ways by which a message of the outbox leaves, each registered by its own module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.platform.errors import Misconfigured, SalesOpsError

Send = Callable[[], None]


def _never(_: OutboxMessage) -> bool:
    return False


def _nothing(_db: Session, _message: OutboxMessage, _error: SalesOpsError) -> None:
    return None


@dataclass(frozen=True)
class Channel:
    """One way out.

    ``prepare`` gives what sends the message; it is called in a transaction of the system, what it
    gives runs without one. It raises NotFound where the channel is not set up, Suppressed where the
    recipient is sent nothing, and Misconfigured where the message cannot be opened.
    ``is_repeatable`` is whether a message that may have been sent can be sent again without harm.
    ``on_refusal`` notes what a refusal means for later messages.
    """

    name: str
    prepare: Callable[[Session, OutboxMessage], Send]
    is_repeatable: Callable[[OutboxMessage], bool] = _never
    on_refusal: Callable[[Session, OutboxMessage, SalesOpsError], None] = _nothing


CHANNELS: dict[str, Channel] = {}


def register(channel: Channel) -> None:
    """Have messages of this channel's name sent by it."""
    if channel.name in CHANNELS:
        raise ValueError(f"Two channels are called {channel.name}.")
    CHANNELS[channel.name] = channel


def recipient_of(message: OutboxMessage) -> str:
    """The address of a message for one person. Raises Misconfigured when it has none."""
    if message.recipient is None:
        raise Misconfigured("The message names no recipient.")
    return message.recipient


def channel_named(name: str) -> Channel:
    """The channel of a message. Raises Misconfigured when no module has registered it."""
    if name not in CHANNELS:
        raise Misconfigured(f"Nobody knows how to send by “{name}”.")
    return CHANNELS[name]
