"""A time zone is one that Python and the database both know."""

from zoneinfo import available_timezones

import pytest
from sqlalchemy import text

from core.platform.clock import check_timezone, known_timezones
from core.platform.database import as_guest
from core.platform.errors import InvalidInput


def test_every_zone_that_is_accepted_is_known_to_the_database():
    with as_guest() as db:
        for zone in sorted(known_timezones()):
            db.execute(text("select now() at time zone :zone"), {"zone": zone})


def test_a_zone_that_the_database_does_not_know_is_refused_with_a_sentence():
    with as_guest() as db:
        theirs = set(db.execute(text("select name from pg_timezone_names")).scalars())
    for zone in {*(available_timezones() - theirs), "localtime", "Factory", "Mars/Olympus"}:
        with pytest.raises(InvalidInput, match="time zone"):
            check_timezone(zone)


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York", "UTC", "Asia/Kolkata"])
def test_a_zone_that_both_know_is_accepted(zone):
    assert check_timezone(zone) == zone
