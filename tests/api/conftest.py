from tests.webhooks.conftest import (
    running as running,
)  # the receiver's own pool, which only /readyz needs here
