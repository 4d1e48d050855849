"""Settings for what is posted to an organisation's channel."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.schema import Base
from core.tenancy.organizations.models import SettingsRow


class ReportSettings(SettingsRow, Base):
    """Whether the daily posts are sent, and from which hour of the organisation's day."""

    __tablename__ = "report_settings"

    slack_report_enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    slack_report_hour: Mapped[int] = mapped_column(server_default=text("8"))
