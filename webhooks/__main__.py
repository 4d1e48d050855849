"""``python -m webhooks``: the receiver on WEBHOOK_PORT."""
import uvicorn

from core.platform import log
from core.platform.settings import settings

if __name__ == "__main__":
    log.configure(settings().log_level)
    uvicorn.run("webhooks.app:app", host="0.0.0.0", port=settings().webhook_port, access_log=False, log_level="warning")  # noqa: S104
