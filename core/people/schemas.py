"""Response models of leads."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from core.platform.schemas import Instant, Page, Response


class LeadItem(Response):
    """A lead with its contact; a title is the field's heading on screens."""

    id: UUID
    contact_id: UUID
    name: str | None = Field(title="Lead")
    email: str | None = Field(title="E-mail")
    phone: str | None = Field(title="Phone")
    status: str = Field(title="Status")
    source: str | None = Field(title="Source")
    original_setter_name: str | None = Field(title="First setter")
    current_setter_name: str | None = Field(title="Setter")
    received_at: Instant = Field(title="Received")
    created_at: Instant = Field(title="Recorded")


class LeadPage(Page[LeadItem]):
    """Leads, latest first."""
