"""Slack: reports. What is posted to is an incoming webhook, whose address is the key."""

from core.providers.provider import Provider, Use

PROVIDER = Provider(
    name="slack",
    label="Slack",
    use=Use.REPORTS,
    address="https://hooks.slack.com",
)
