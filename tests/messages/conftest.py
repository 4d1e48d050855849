from tests.jobs.test_outbox import slack as slack  # Slack, as far as it goes
