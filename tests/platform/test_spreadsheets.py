"""The rule for text that a spreadsheet would run is the same in Python and in SQL."""

import pytest
from psycopg import sql

from core.platform.spreadsheets import without_formula, without_formula_sql
from tests.ports import owner

TEXTS = [
    "=1+1",
    "+45 20",
    "-3",
    "@x",
    "\tx",
    "\rx",
    "\n=1",
    "＝1+1",
    "＠x",
    "",
    "plain",
    "x=1",
    "'=1",
    "ø",
    "–",
]


@pytest.mark.parametrize("text", TEXTS)
def test_python_and_sql_make_the_same_of_a_text(database_url, text):
    expression = without_formula_sql(sql.Literal(text))
    with owner() as db:
        raw = db.connection.driver_connection
        [(made,)] = raw.execute(sql.SQL("select {}").format(expression)).fetchall()

    assert made == without_formula(text)
    assert made == (f"'{text}" if text[:1] in tuple("=+-@\t\r\n＝＠") else text)


@pytest.mark.parametrize("value", [None, -3, 1.5, True])
def test_what_is_no_text_stays_as_it_is(value):
    assert without_formula(value) is value
