"""Phone numbers as people of a region read them."""

import pytest

from core.platform.phones import shown_phone


@pytest.mark.parametrize(
    ("written", "region", "read"),
    [
        ("+4520123456", "DK", "20 12 34 56"),
        ("20123456", "DK", "20 12 34 56"),
        ("+4520123456", "US", "+45 20 12 34 56"),
        ("+12125550100", "US", "(212) 555-0100"),
        ("+12125550100", "CA", "+1 212-555-0100"),
        ("+44 2079460018", "GB", "020 7946 0018"),
        ("call 20123456", "DK", "call 20123456"),
        ("ask at the desk", "DK", "ask at the desk"),
        ("", "DK", ""),
    ],
)
def test_a_number_is_shown_as_its_region_writes_it_and_anything_else_as_it_is(
    written, region, read
):
    assert shown_phone(written, region) == read
