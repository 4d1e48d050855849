"""Recorded sentences are read as sentences, with dates as the reader writes them."""

import pytest

from core.money.reasons import sentence_in_words
from core.platform.notation import written_in

AUTOMATIC = "matched lead.one@example.com to the booking of 4 Nov, 13:00"
REFUND = "refund of 4 Nov on a payment of 29 Feb 2028, counted in October 2026: −$10.00"


@pytest.mark.parametrize(
    ("locale", "recorded", "read"),
    [
        ("en_US", AUTOMATIC, "Matched lead.one@example.com to the booking of Nov 4, 1:00 PM."),
        ("da_DK", AUTOMATIC, "Matched lead.one@example.com to the booking of 4 Nov, 13:00."),
        (
            "en_US",
            REFUND,
            "Refund of Nov 4 on a payment of Feb 29, 2028, counted in October 2026: −$10.00.",
        ),
        (
            "en_US",
            "follows the first payment, of 4 Dec, 09:05",
            "Follows the first payment, of Dec 4, 9:05 AM.",
        ),
        (
            "da_DK",
            "refund of 4 Nov on a payment of 1 Nov: −10,00\xa0kr.",
            "Refund of 4 Nov on a payment of 1 Nov: −10,00\xa0kr.",
        ),
    ],
    ids=["mail-us", "mail-dk", "refund-us", "membership-us", "ends-with-a-currency"],
)
def test_a_recorded_sentence_is_read_as_one_in_the_readers_notation(locale, recorded, read):
    with written_in(locale):
        assert sentence_in_words(recorded) == read


def test_what_a_person_typed_stays_as_it_is_and_what_follows_is_written_anew():
    recorded = (
        "chosen by Mara: sold at the fair of 4 Nov, 13:00; that booking was moved to 5 Nov, 14:00"
    )
    with written_in("en_US"):
        assert sentence_in_words(recorded) == (
            "Chosen by Mara: sold at the fair of 4 Nov, 13:00; that booking was moved to Nov 5,"
            " 2:00 PM."
        )


@pytest.mark.parametrize("recorded", [None, ""], ids=["null", "empty"])
def test_without_a_sentence_there_is_none(recorded):
    assert sentence_in_words(recorded) == ""


def test_a_day_that_there_is_not_stays_as_it_was_written():
    with written_in("en_US"):
        assert sentence_in_words("sold of 31 Feb") == "Sold of 31 Feb."
