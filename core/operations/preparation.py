"""``python -m core.operations.preparation``: what ``make run`` does before it starts the product's
processes: master key, check of the settings, migrations, and the demo on a first start.

A process of its own, since the supervisor would carry all that this imports for as long as the
product runs. It prints one JSON object: the addresses of the database for the processes, and the
demo's sign-ins by role.
"""

from __future__ import annotations

import json
import os
import sys

from sqlalchemy.exc import OperationalError

from core.migrations.upgrade import ensure_embedded_ready, ensure_local_key, migrate
from core.operations.demo import ensure_demo
from core.operations.startup_checks import check_start
from core.platform import log
from core.platform.database import APP_ROLE, WORKER_ROLE, role_url
from core.platform.errors import SalesOpsError
from core.platform.outage import is_outage
from core.platform.settings import settings


def prepare() -> dict[str, object]:
    """What the supervisor needs to know. Raises SalesOpsError."""
    ensure_local_key()
    check_start()
    if settings().database_url is None:
        ensure_embedded_ready()
    migrate()
    sign_ins = ensure_demo()
    addresses = {
        "DATABASE_APP_URL": _address(APP_ROLE),
        "DATABASE_WORKER_URL": _address(WORKER_ROLE),
    }
    return {"addresses": addresses, "sign_ins": sign_ins}


def _address(role: str) -> str:
    return role_url(role).set(drivername="postgresql").render_as_string(hide_password=False)


def main() -> None:
    """Prepare, and print the result. Where the database is away, the exit status says that another
    try may succeed.
    """
    log.configure(settings().log_level)
    try:
        print(json.dumps(prepare()))
    except SalesOpsError as error:
        sys.exit(error.message)
    except OperationalError as error:
        if not is_outage(error):
            raise
        print(f"The database cannot be reached: {error.orig}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
