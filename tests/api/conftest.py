from tests.webhooks.conftest import database_away as database_away
from tests.webhooks.conftest import running as running
