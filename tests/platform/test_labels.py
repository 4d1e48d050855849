"""A stored word has its label beside it, and otherwise behaves like a string."""

import pickle

from core.bookings.models import CallStatus, EventOutcome
from core.platform.labels import LabelledEnum


class Deal(LabelledEnum):
    CLOSED = "closed", "Won"
    ON_HOLD = "on_hold"


def test_one_stored_word_reads_differently_in_two_enumerations():
    assert (Deal("closed").label, EventOutcome("closed").label) == ("Won", "Closed")


def test_a_word_without_a_label_is_capitalised():
    assert Deal.labels() == {"closed": "Won", "on_hold": "On hold"}


def test_a_labelled_word_is_the_stored_string():
    assert CallStatus.CANCELED == "canceled"
    assert (str(CallStatus.CANCELED), CallStatus.CANCELED.value) == ("canceled", "canceled")
    assert pickle.loads(pickle.dumps(CallStatus.CANCELED)) is CallStatus.CANCELED
