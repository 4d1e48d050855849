"""What providers sent, without what opens something: passwords, keys, tokens, card numbers. What is
secret is known by the name that it stands under, or by its shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MASKED = "••••"

# In small letters, with "_" between words.
SECRET_NAME = re.compile(
    r"secret|token|passw(?:or)?d|passphrase|credential|authorization"
    r"|(?:api|private|signing|access|encryption|master|shared)_?keys?(?:$|_)"
    r"|(?:^|_)(?:pwd|pins?|auth|cookies?|jwts?|otp)(?:$|_)"
    r"|(?:^|_)(?:sig|signature|cvc|cvv)$"
)
NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_LETTERS = re.compile(r"[^a-z0-9]+")

SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)"
    r"|\b(?:sk|rk|whsec|ws)_[\w+/=-]{8,}"
    r"|\bxox[a-z][-_][\w-]{8,}"
    r"|\b(?:gh[opsur]|github_pat)_\w{8,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?"
    r"|(?<=\bbearer )[\w.~+/=-]{6,}"
    r"|(?<=\bbasic )[\w+/=-]{16,}"
    r"|(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)",
    re.DOTALL | re.IGNORECASE,
)
PHRASE = re.compile(r"\b(pass(?:word|phrase|wd)\s+(?:is|was):?\s+)\S+", re.IGNORECASE)
CARD = re.compile(r"(?<![\w.+])(?:4|5[1-5]|2[2-7]|6|3[04-8])\d?(?:[ -]?\d){12,17}(?!\w)")

# What stands before a value in any text, ``name=`` and ``name: ``, with quotes that may be escaped
# once or more. A name has a limited length, so that a long text is still read in one go.
PAIR = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z][\w.-]{0,63}(?: key)?)\]?\\*[\"']?\s{0,9}[=:]\s{0,99}"
)
NAMED_PAIR = re.compile(
    r"\"(?:name|key|header)\\*\"\s{0,9}:\s{0,9}\\*\"(?P<name>[^\"\\]{1,64})\\*\"\s{0,9},"
    r"\s{0,99}\\*\"values?\\*\"\s{0,9}:\s{0,9}"
)
VALUE = re.compile(
    r"\"(?:\\.|[^\"\\])*+\"?|'[^'\r\n]*'?|(\\+)\"(?:(?!(?<!\\)\1\").)*(?:\1\")?|[\[{].*"
    r"|(?:(?:bearer|basic|digest|token)\s{1,9})?[^\s&;,\"'\\<>}\])]+",
    re.DOTALL | re.IGNORECASE,
)
# A header of many parts goes to the end of its line.
HEADER = re.compile(
    r"(?<![\w-])(?P<name>(?:set-)?cookie|(?:proxy-)?authorization):\s{0,9}", re.IGNORECASE
)
LINE = re.compile(r"[^\r\n\"\\]+")
QUOTE = re.compile(r"\\*[\"']")
# In an address that is part of another.
ENCODED_PAIR = re.compile(r"(?<=%3F|%26)(?P<name>[A-Za-z][\w.-]{0,63})%3D", re.IGNORECASE)
ENCODED_VALUE = re.compile(r"(?:(?!%26)[^\s&\"'])+")
PAIRS = (
    (NAMED_PAIR, VALUE),
    (HEADER, LINE),
    (PAIR, VALUE),
    (ENCODED_PAIR, ENCODED_VALUE),
)


def masked(value: Any) -> Any:
    """A payload in which nothing is left that opens something. Whatever stands under the name of a
    secret is masked as a whole. Raises RecursionError.
    """
    if isinstance(value, dict):
        is_named = any(_is_secret(str(value.get(key, ""))) for key in ("name", "key", "header"))
        return {
            _without_shapes(name): MASKED
            if each is not None and (_is_secret(name) or (is_named and name in ("value", "values")))
            else masked(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [masked(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and CARD.fullmatch(str(value)):
        return CARD.sub(_card, str(value)) if _is_card(str(value)) else value
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """A text in which nothing is left that opens something, also where it holds JSON, or part of
    it, an address with a query, a form, or the lines of a request.
    """
    text = _masked_json(text)
    for before, value in PAIRS:
        text = "".join(_without_values(text, before, value))
    return _without_shapes(PHRASE.sub(rf"\1{MASKED}", text))


def _masked_json(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
        without = masked(value)
    except (ValueError, RecursionError):
        return text
    return text if without == value else json.dumps(without, ensure_ascii=False)


def _without_values(text: str, before: re.Pattern[str], value: re.Pattern[str]) -> Iterator[str]:
    """The text in pieces, with what follows the names of secrets masked."""
    at = 0
    for name in before.finditer(text):
        if name.start() < at or not _is_secret(name["name"]):
            continue
        if found := value.match(text, name.end()):
            quote = QUOTE.match(found[0])
            yield from (
                text[at : name.end()],
                MASKED if quote is None else f"{quote[0]}{MASKED}{quote[0]}",
            )
            at = found.end()
    yield text[at:]


def _is_secret(name: str) -> bool:
    words = NO_LETTERS.sub("_", NEW_WORD.sub("_", name).lower())
    return SECRET_NAME.search(words) is not None


def _without_shapes(text: str) -> str:
    return CARD.sub(_card, SHAPES.sub(MASKED, text))


def _card(found: re.Match[str]) -> str:
    return MASKED if _is_card(found[0]) else found[0]


def _is_card(text: str) -> bool:
    """By the check digit of card numbers (Luhn)."""
    digits = [int(each) for each in reversed(text) if each.isdigit()]
    doubled = (sum(divmod(2 * each, 10)) for each in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
