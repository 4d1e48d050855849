from tests.webhooks.conftest import running as running  # the receiver, up
