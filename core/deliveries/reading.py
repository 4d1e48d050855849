"""Reading a delivery: its JSON without what PostgreSQL or UTF-8 cannot hold, and when it came."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.platform.clock import now

# A zero byte is valid JSON, and so is half of a surrogate pair; neither can be stored as text.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
ARRIVED = "arrived_at"


def read_payload(body: bytes) -> Any:
    """The JSON value of a delivery, every text and every name in it cleaned. A number that is none,
    such as NaN, is null. Raises ValueError and RecursionError for what is no JSON.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(json.detect_encoding(body), "ignore")
    return _storable(json.loads(text))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {UNSTORABLE.sub("", name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def arrived_at(db: Session) -> datetime:
    """When the delivery that this transaction reads arrived; now for what came another way."""
    arrived: datetime = db.info.get(ARRIVED) or now()
    return arrived


def note_arrival(db: Session, at: datetime) -> None:
    """From here on the transaction reads a delivery that arrived ``at`` then."""
    db.info[ARRIVED] = at
