"""Before the first visitor: whether the screens may start with these settings."""

from __future__ import annotations

import sys

from streamlit import config

from core.operations.startup_checks import check_start
from core.platform import log
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from core.ui.panels.company_sign_in import providers, settings_of_auth

SECRET_LENGTH = 32


def refuse_unsafe_settings() -> None:
    """End the process with a sentence for each, where strangers could reach it; on one's own
    machine warn.
    """
    log.configure(settings().log_level)
    try:
        check_start(unsafe_of_streamlit())
    except Misconfigured as error:
        sys.exit(error.message)


def unsafe_of_streamlit() -> list[str]:
    """What visitors would be shown of the code, and a sign-in whose cookies could be forged."""
    found = []
    if config.get_option("client.showErrorDetails") not in ("none", False):
        found.append(
            'Visitors would read the code behind an error: set client.showErrorDetails to "none".'
        )
    if providers() and len(settings_of_auth().get("cookie_secret", "")) < SECRET_LENGTH:
        found.append(
            f"The sign-in through your company needs auth.cookie_secret with {SECRET_LENGTH} random"
            " characters or more."
        )
    return found
