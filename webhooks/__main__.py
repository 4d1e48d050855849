"""``python -m webhooks``: the receiver on WEBHOOK_PORT. SIGTERM lets requests in flight finish
first.
"""

import sys

import uvicorn

from core.operations.startup_checks import check_start
from core.platform import log
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from webhooks.request_limits import BoundedRequests

GRACE_S = 10

if __name__ == "__main__":
    log.configure(settings().log_level)
    try:
        check_start()
    except Misconfigured as error:
        sys.exit(error.message)
    uvicorn.run(
        "webhooks.app:app",
        host="0.0.0.0",  # noqa: S104
        port=settings().webhook_port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        http=BoundedRequests,
        ws="none",
    )
