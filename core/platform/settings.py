"""Settings from the environment (and ``.env`` when present), read once."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.platform.errors import Misconfigured

KEY_BYTES = 32
Address = Annotated[str, AfterValidator(lambda address: address.rstrip("/"))]  # paths follow it


def on_this_machine(port: int) -> str:
    """Where something on this machine is reached that listens at ``port``."""
    return f"http://localhost:{port}"


class Settings(BaseSettings):
    """Each field is one environment variable of the same name, in capitals; README lists them in
    one table. For the addresses of providers see ``base_url``.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )

    database_url: SecretStr | None = None
    database_read_url: SecretStr | None = None
    database_app_url: SecretStr | None = None
    database_worker_url: SecretStr | None = None
    data_dir: Path = Path(".data")
    encryption_master_key: SecretStr | None = None
    encryption_old_keys: SecretStr | None = None
    ui_port: int = 8501
    webhook_port: int = 8000
    public_url: Address = Field(default_factory=lambda known: on_this_machine(known["ui_port"]))
    webhook_public_url: Address = Field(
        default_factory=lambda known: on_this_machine(known["webhook_port"])
    )
    webhook_rate_limit: int = Field(default=6_000, ge=1)
    slack_webhook_url: SecretStr | None = None
    resend_api_key: SecretStr | None = None
    smtp_url: SecretStr | None = None
    email_from: str = "Sales Operations <no-reply@localhost>"
    demo: bool = False
    log_level: str = "INFO"

    def master_keys(self) -> list[bytes]:
        """The current key first, then older ones that may still be needed to unseal. Raises
        Misconfigured.
        """
        current = self.encryption_master_key or self._local_key()
        if current is None:
            raise Misconfigured(
                "No ENCRYPTION_MASTER_KEY is set, so secrets cannot be stored. Set it to 32 random"
                " bytes in base64, for example: python -c 'import base64, os;"
                " print(base64.b64encode(os.urandom(32)).decode())'"
            )
        older = (
            self.encryption_old_keys.get_secret_value() if self.encryption_old_keys else ""
        ).split(",")
        return [
            _key(value)
            for value in [current.get_secret_value(), *filter(None, map(str.strip, older))]
        ]

    def _local_key(self) -> SecretStr | None:
        """The key in the embedded database's data folder; never used with an external server."""
        path = self.data_dir / "master.key"
        if self.database_url is None and path.exists():
            return SecretStr(path.read_text().strip())
        return None


class _Address(BaseSettings):
    """One variable ``<NAME>_BASE_URL``; the name is its prefix."""

    model_config = Settings.model_config

    base_url: str | None = None


def base_url(name: str) -> str | None:
    """``<NAME>_BASE_URL``: the address of an outside system, when it is not the usual one. The
    systems are declared in ``core.providers``.
    """
    return _Address(_env_prefix=f"{name}_").base_url  # type: ignore[call-arg]


def _key(value: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Misconfigured("An encryption key is not valid base64.") from error
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            f"An encryption key must be {KEY_BYTES} bytes in base64; one of them has {len(key)}."
        )
    return key


@lru_cache
def settings() -> Settings:
    """The process's settings; tests that change the environment call ``settings.cache_clear()``."""
    return Settings()
