from tests.jobs.conftest import slack as slack
