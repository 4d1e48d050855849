from tests.operations.conftest import keys as keys
