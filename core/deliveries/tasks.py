"""Tasks that a delivery needs and that higher layers implement."""

from __future__ import annotations

from uuid import UUID

from core.platform.tasks import declare


@declare()
def process_delivery(organization_id: UUID, delivery_id: UUID, *, attempt: int = 1) -> None:
    """Turn one delivery into rows; implemented in ``core.providers.processing``."""
