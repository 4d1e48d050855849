"""The call types of the organisation, found by what a booking says of its own."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.booking import Booking
from core.bookings.models import CallType
from core.platform.database import organization_id_of
from core.platform.normalization import fold
from core.platform.rows import insert_first


class CallTypes:
    """The organisation's call types, read once. One that is new to us is added to the list."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self._kinds = list(db.scalars(select(CallType).order_by(CallType.name)))
        self._new: list[CallType] = []

    def of(self, booking: Booking) -> UUID | None:
        """The booking's call type: by the platform's own id, then by name."""
        if not booking.call_type:
            return None
        platform, uri, name = booking.platform, booking.call_type_uri, fold(booking.call_type)
        by_uri = (kind for kind in self._kinds if uri and kind.known_as.get(platform) == uri)
        by_name = (kind for kind in self._kinds if fold(kind.name) == name)
        kind = next(by_uri, None) or next(by_name, None)
        if kind is None:
            kind = CallType(
                organization_id=organization_id_of(self._db),
                id=uuid4(),
                name=booking.call_type,
                known_as={},
            )
            self._kinds.append(kind)
            self._new.append(kind)
        if uri and platform not in kind.known_as:
            kind.known_as = kind.known_as | {platform: uri}
        return kind.id

    def save(self) -> None:
        """Write new ones."""
        insert_first(self._db, self._new)
        self._new = []
