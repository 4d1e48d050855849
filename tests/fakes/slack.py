"""A small real HTTP server that answers like Slack's incoming webhooks, and refuses what Slack
refuses.

Source: Slack documentation, “Sending messages using incoming webhooks” and “Block Kit”.
"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.serving import Fake, HangUp, Silence, Speaking

SECRET = "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
LONGEST = {"header": 150, "section": 3000, "field": 2000, "message": 13_000}
MOST = {"blocks": 50, "fields": 10}
Answer = tuple[int, str, dict[str, str]]

OK: Answer = (200, "ok", {})
RATE_LIMITED: Answer = (429, "rate_limited", {"Retry-After": "30"})
RATE_LIMITED_WITHOUT_A_WORD: Answer = (429, "rate_limited", {})
LAYOUT_REFUSED: Answer = (400, "invalid_blocks", {})
BROKEN: Answer = (500, "rollup_error", {})
UNAVAILABLE: Answer = (503, "service_unavailable", {})
NO_SERVICE: Answer = (404, "no_service", {})
FORBIDDEN: Answer = (403, "action_prohibited", {})
ARCHIVED: Answer = (410, "channel_is_archived", {})
REDIRECT: Answer = (302, "", {"Location": "https://example.com/"})


class FakeSlack(Fake):
    """The messages in the channel, and the answers to the next posts; ``ok`` when none are left."""

    def __init__(self) -> None:
        super().__init__()
        self.channel: list[dict[str, Any]] = []
        self.requests = 0

    @property
    def webhook(self) -> str:
        return self.webhook_of(SECRET)

    def webhook_of(self, secret: str) -> str:
        return f"{self.url}/services/{secret}"

    def handler(self) -> type[Speaking]:
        return _handler(self)


def fault(message: Any) -> str | None:
    """Slack's error code for a message, None for a valid one."""
    if not isinstance(message, dict) or not message.get("text"):
        return "no_text"
    blocks = message.get("blocks", [])
    if len(blocks) > MOST["blocks"] or not all(map(_is_sound, blocks)):
        return "invalid_blocks"
    return (
        "msg_blocks_too_long"
        if len(json.dumps(blocks, ensure_ascii=False)) > LONGEST["message"]
        else None
    )


def _is_sound(block: dict[str, Any]) -> bool:
    match block["type"]:
        case "header":
            return (
                block["text"]["type"] == "plain_text"
                and 0 < len(block["text"]["text"]) <= LONGEST["header"]
            )
        case "context":
            return 0 < len(block["elements"]) <= MOST["fields"]
        case "section" if "fields" in block:
            texts = [field["text"] for field in block["fields"]]
            return 0 < len(texts) <= MOST["fields"] and all(
                0 < len(each) <= LONGEST["field"] for each in texts
            )
        case "section":
            return 0 < len(block["text"]["text"]) <= LONGEST["section"]
    return False


def _handler(slack: FakeSlack) -> type[Speaking]:
    class Handler(Speaking):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            slack.requests += 1
            answer = slack.answers.pop(0) if slack.answers else OK
            match answer:
                case HangUp():
                    slack.channel.append(message)
                    self.close_connection = True
                case Silence():
                    slack.channel.append(message)
                    slack.stopping.wait(60)
                    self.close_connection = True
                case _:
                    self._answer(message, answer)

        def _answer(self, message: Any, answer: Answer) -> None:
            wrong = fault(message)
            status, text, headers = answer if answer != OK or wrong is None else (400, wrong, {})
            if status == OK[0]:
                slack.channel.append({"path": self.path} | message)
            self.say(status, text.encode(), {"Content-Type": "text/html"} | headers)

    return Handler
