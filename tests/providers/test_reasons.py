"""What people read of something that could not be made ours."""

import pytest

from core.platform.errors import ProviderUnavailable
from core.providers.reasons import reason_of
from core.providers.values import Unreadable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("created"), "cannot be read: the field “created” is missing"),
        (AttributeError("NoneType"), "cannot be read: it is not built as its provider describes"),
        (Unreadable("its day is none"), "cannot be read: its day is none"),
        (ProviderUnavailable("Calendly is away."), "Calendly is away."),
        (RuntimeError("one\ntwo"), "an unexpected error, RuntimeError: one"),
    ],
    ids=["field", "shape", "own", "provider", "other"],
)
def test_a_reason_is_a_sentence_without_the_words_of_the_code(error, words):
    assert reason_of(error) == words
