"""Work of higher layers that a delivery asks for."""

from __future__ import annotations

from uuid import UUID

from core.platform.tasks import declare


@declare()
def process_delivery(organization_id: UUID, delivery_id: UUID, *, attempt: int = 1) -> None:
    """Turn one raw delivery into rows; ``core.providers.processing``."""
