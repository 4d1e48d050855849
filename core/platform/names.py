"""Names and other words that people type: what of them is stored, and how long they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.platform.errors import InvalidInput

MOST_NAMES = 100
LONGEST_NAME, LONGEST_SENTENCE, LONGEST_TEXT = 200, 500, 20_000
# Control characters, halves of a character, and marks that turn the words around them: no keyboard
# writes them, and no screen shows them.
UNWRITTEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BLANK = re.compile(r"\s+")


def check_name(text: str, missing: str, *, field: str = "name") -> str:
    """A name as it is stored: in one line and trimmed. Raises InvalidInput with the sentence
    ``missing`` for none, and for one of more than 200 letters.
    """
    name = BLANK.sub(" ", UNWRITTEN.sub(" ", text)).strip()
    if not name:
        raise InvalidInput(missing, field=field)
    return _not_longer(name, LONGEST_NAME, field)


def check_names(names: Iterable[str], *, field: str) -> list[str]:
    """Several names as they are stored, without the empty ones. Raises InvalidInput for one that is
    too long, and for more than 100.
    """
    checked = [check_name(name, "", field=field) for name in names if is_written(name)]
    if len(checked) > MOST_NAMES:
        raise InvalidInput(f"{MOST_NAMES} names are the most.", field=field)
    return checked


def is_written(text: str) -> bool:
    """Whether anything of the text is stored."""
    return bool(UNWRITTEN.sub("", text).strip())


def check_sentence(text: str, *, field: str) -> str:
    """Words in one line, such as a reason; may be empty. Raises InvalidInput for more than 500
    letters.
    """
    sentence = BLANK.sub(" ", UNWRITTEN.sub(" ", text)).strip()
    return _not_longer(sentence, LONGEST_SENTENCE, field)


def check_text(text: str, *, field: str) -> str:
    """Words in several lines, such as notes; may be empty. Raises InvalidInput for more than 20,000
    letters.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _not_longer(UNWRITTEN.sub("", lines).strip(), LONGEST_TEXT, field)


def _not_longer(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise InvalidInput(
            f"This has {len(text):,} letters; {most:,} are the most. Shorten it.", field=field
        )
    return text
