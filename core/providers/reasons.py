"""Why what a provider sent could not be made ours, in words for people."""

from __future__ import annotations

import json

from sqlalchemy.exc import DBAPIError

from core.platform.errors import SalesOpsError
from core.providers.values import Unreadable

UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    RecursionError,
    ArithmeticError,
)


def sentence_of(error: Exception) -> str:
    """Why what a provider sent cannot be read, for whoever looks after the connection."""
    match error:
        case Unreadable():
            what = str(error)
        case json.JSONDecodeError() | UnicodeError():
            what = "it is not JSON"
        case RecursionError():
            what = "it is nested too deeply"
        case KeyError():
            what = f"the field “{error.args[0] if error.args else '?'}” is missing"
        case _:
            what = "it is not built as its provider describes"
    return f"cannot be read: {what}"


def why(error: Exception) -> str:
    """Why a try failed: what our own errors say is for people, and of a refusal of the database the
    first line, without the statement.
    """
    if isinstance(error, SalesOpsError):
        return error.message
    if isinstance(error, DBAPIError):
        return f"the database refused it: {error.orig}".partition("\n")[0]
    return f"an unexpected error, {type(error).__name__}: {error}".partition("\n")[0]


def reason_of(error: Exception) -> str:
    """Either, for something that is tried once."""
    return sentence_of(error) if isinstance(error, UNREADABLE) else why(error)
