"""One address and one name however they are written, in Python as in SQL."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.platform.database import as_system
from core.platform.normalization import (
    INVISIBLE,
    comparable,
    composed,
    fold,
    mailable_email,
    normalize_email,
    normalize_phone,
    spellings,
)
from tests import factories as make

ADDRESSES = st.builds("{}@{}.{}".format, st.text(), st.text(), st.sampled_from(["com", "例え"]))


@pytest.mark.parametrize(
    "written",
    [
        "\u200blead.one@example.com",
        "lead.one@example.com\u200b",
        "lead.one@exa\u00admple.com",
        "\ufefflead.one@example.com",
        "\u2068lead.one@example.com\u2069",
        "lead.one@\u2060example.com",
        "lead\ufe0f.one@example.com",
        " LEAD.one@Example.COM\u00a0",
        "ｌｅａｄ.one＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "lead.one@example.com.",
    ],
)
def test_an_address_is_the_same_however_it_was_pasted(written):
    assert normalize_email(written) == mailable_email(written) == "lead.one@example.com"


@pytest.mark.parametrize(
    "written",
    [
        "ana@bücher.example",
        "Ana@BU\u0308CHER.example",
        "ana@XN--BCHER-KVA.example",
        "ana@xn--bcher\u200b-kva.example",
        "ana@bücher。example",
    ],
)
def test_a_domain_is_the_same_in_letters_and_in_punycode(written):
    assert normalize_email(written) == mailable_email(written) == "ana@bücher.example"
    assert spellings("ana@bücher.example") == ["ana@bücher.example", "ana@xn--bcher-kva.example"]


def test_so_is_one_that_no_standard_allows():
    assert normalize_email("ana@xn--ls8h.la") == normalize_email("ana@💩.la") == "ana@💩.la"
    assert spellings("ana@💩.la") == ["ana@💩.la", "ana@xn--ls8h.la"]


@given(ADDRESSES)
def test_a_normal_address_is_its_own_normal_form_and_that_of_its_spellings(written):
    if normal := normalize_email(written):
        assert {normalize_email(each) for each in spellings(normal)} == {normal}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José Núñez", "Jose\u0301 Nu\u0301n\u0303ez"),
        ("Straße 7", "STRASSE 7"),
        ("ＳＡＭ", "sam"),
        ("sam\u200b", "\u2066Sam\u2069"),
        ("webinar-q4", "Webinar_Q4"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ],
)
def test_a_name_is_the_same_however_its_letters_are_written(one, other):
    assert fold(one) == fold(other)


def test_a_number_that_was_copied_with_its_direction_is_that_number():
    assert normalize_phone("\u202a+33 6 12 34 56 78\u202c", "US") == "+33612345678"


# Letters without case, symbols and private characters: nine tenths of all characters, and nearly
# all of them are left alone by Python and by SQL.
MOSTLY_LEFT_ALONE = ("Lo", "So", "Co")


def characters(change, every):
    """All characters but those ``MOSTLY_LEFT_ALONE``; of these each one that Python changes, and of
    the rest one in ``every``.
    """
    for code in range(1, sys.maxunicode + 1):
        letter = chr(code)
        category = unicodedata.category(letter)
        chosen = category not in MOSTLY_LEFT_ALONE or code % every == 0
        if category not in ("Cs", "Cn") and (chosen or change(letter) != letter):
            yield letter


@pytest.mark.parametrize("every", [50, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("in_python", "in_sql"),
    [(composed, "composed"), (comparable, "comparable"), (fold, "folded")],
)
def test_sql_compares_every_character_as_python_does(in_python, in_sql, every):
    known = list(characters(in_python, every))
    texts = [f"a{letter}b" for letter in known]
    query = text(f"""select app.{in_sql}(given.text) from unnest(cast(:texts as text[]))
                     with ordinality as given(text, place) order by given.place""")
    with as_system(make.organization()) as db:
        theirs = db.execute(query, {"texts": texts}).scalars().all()
    assert [
        (hex(ord(letter)), answer)
        for letter, given_, answer in zip(known, texts, theirs, strict=True)
        if in_python(given_) != answer
    ] == []


def test_no_format_character_is_seen():
    assert not [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Cf" and not INVISIBLE.match(chr(code))
    ]
