"""Members enter Slack's address: whatever they enter and whatever is answered, requests go to Slack
only.
"""

import pytest

from core.messages.actions import slack_webhook_ends_with
from core.platform.errors import InvalidInput, UnexpectedAnswer
from core.platform.settings import settings
from core.providers.slack.messages import check_address, post_message
from tests import factories as make
from tests.fakes import slack as fakes
from tests.ui.screens import browser_of, opened, words

PATH = "services/T0/B0/X"
ELSEWHERE = [
    f"https://example.com/{PATH}",
    f"http://hooks.slack.com/{PATH}",
    f"https://hooks.slack.com.example.com/{PATH}",
    f"https://hooks.slack.com@example.com/{PATH}",
    f"https://user:pass@hooks.slack.com/{PATH}",
    f"https://hooks.slack.com:443/{PATH}",
    f"https://hooks.slack.com:8443/{PATH}",
    f"https://hooks.slack.com\\@example.com/{PATH}",
    f"https://hooks.slack.com%2eexample.com/{PATH}",
    f"https://hooks.slack.com#@example.com/{PATH}",
    f"https://hooks.slack.com?@example.com/{PATH}",
    f"https://hooks.slack.com./{PATH}",
    f"https://h\u043e\u043eks.slack.com/{PATH}",
    f"https://hooks.slack.com\u3002example.com/{PATH}",
    f"https://HOOKS.SLACK.COM/{PATH}",
    f"HTTPS://hooks.slack.com/{PATH}",
    f"//hooks.slack.com/{PATH}",
    f" https://hooks.slack.com/{PATH}",
    f"https:/hooks.slack.com/{PATH}",
    f"https:hooks.slack.com/{PATH}",
    f"https://example.com/https://hooks.slack.com/{PATH}",
    f"https://ghooks.slack.com/{PATH}",
]
INSIDE = [
    f"{scheme}://{host}/{PATH}"
    for scheme in ("http", "https")
    for host in (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "metadata.internal",
        "localhost:5432",
    )
]
NO_WEBHOOK = [
    f"https://hooks.slack.com/{path}"
    for path in (
        "",
        "services/",
        "workflows/T0/A0/1/X",
        f"{PATH}?to=https://example.com",
        f"{PATH}#x",
        f"{PATH}\n",
        f"{PATH}\r\nHost: example.com",
        "services/../../T0",
        "services/%2e%2e/T0",
        f"{PATH}/../../../x",
        f"{PATH};x",
        f"{PATH}\0",
        "services/T0/B0/\u2169",
        f"{PATH} x",
    )
]
NO_ADDRESS = [
    "file:///etc/passwd",
    "gopher://hooks.slack.com/services/T0",
    "javascript:alert(1)",
    "",
    "hooks.slack.com",
    PATH,
]


@pytest.mark.parametrize("url", [*ELSEWHERE, *INSIDE, *NO_WEBHOOK, *NO_ADDRESS])
def test_only_slack_is_posted_to(url):
    with pytest.raises(InvalidInput):
        check_address(url)


@pytest.mark.parametrize("host", ["https://hooks.slack.com", "https://hooks.slack-gov.com"])
def test_both_of_slacks_hosts_are_known(host):
    assert check_address(f"{host}/services/{fakes.SECRET}") == f"{host}/services/{fakes.SECRET}"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_nobody_is_led_on_from_slack_to_another_address(monkeypatch, status):
    with fakes.FakeSlack().running() as slack, fakes.FakeSlack().running() as inside:
        monkeypatch.setenv("SLACK_BASE_URL", slack.url)
        settings.cache_clear()
        slack.will((status, "", {"Location": inside.webhook}))
        with pytest.raises(UnexpectedAnswer):
            post_message(slack.webhook, {"text": "Good morning"})
    monkeypatch.undo()
    settings.cache_clear()

    assert (slack.requests, inside.requests) == (1, 0)


@pytest.mark.parametrize("url", [ELSEWHERE[3], INSIDE[0], NO_WEBHOOK[0]])
def test_the_screen_keeps_no_other_address(url):
    admin = make.viewer(make.organization(), "admin")
    page = opened("reports", admin)
    next(field for field in page.text_input if field.label == "Incoming webhook").input(url)
    with browser_of(admin):
        page = next(button for button in page.button if button.label == "Save").click().run()

    assert "This is not the address of a Slack incoming webhook." in words(page)
    with admin.transaction() as db:
        assert slack_webhook_ends_with(db) is None
