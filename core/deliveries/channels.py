"""Channels through which messages of the outbox are sent; each module registers its own."""

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
    """One way to send messages.

    ``prepare`` is called in a transaction of the system and returns the function that sends the
    message, which is then called outside of any transaction. ``prepare`` raises NotFound where the
    channel is not set up, Suppressed where the recipient must not be written to, and Misconfigured
    where the message cannot be unsealed. ``is_repeatable`` says whether sending a message twice
    does no harm, so that one which may have been sent can be sent again. ``on_refusal`` records
    what a refusal means for later messages. ``is_personal`` says whether somebody asked for the
    message, or it is about their own account: it goes out while the organisation is paused.
    """

    name: str
    prepare: Callable[[Session, OutboxMessage], Send]
    is_repeatable: Callable[[OutboxMessage], bool] = _never
    on_refusal: Callable[[Session, OutboxMessage, SalesOpsError], None] = _nothing
    is_personal: Callable[[OutboxMessage], bool] = _never


CHANNELS: dict[str, Channel] = {}


def register(channel: Channel) -> None:
    """Register the channel that sends the messages of its name."""
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
