"""What each run tests has every pair of values, and the night has the rest."""

from itertools import combinations, product

import pytest

from tests.crossed import covering, crossed

LISTS = (["admin", "rep", "viewer"], list(range(12)), ["day", "week"], ["copenhagen", "howe"])


def test_every_pair_of_values_stands_in_a_case_of_each_run():
    cases = covering(*LISTS)
    for one, other in combinations(range(len(LISTS)), 2):
        pairs = {(case[one], case[other]) for case in cases}
        assert pairs == set(product(LISTS[one], LISTS[other]))
    assert len(cases) < len(list(product(*LISTS))) / 2


def test_the_night_has_every_combination_and_whole_values_of_its_own():
    cases = crossed(*LISTS, at_night=["week"])
    assert [case.values for case in cases] == list(product(*LISTS))
    by_day = [case.values for case in cases if pytest.mark.nightly not in case.marks]
    assert {case[2] for case in by_day} == {"day"}
    assert {case[1] for case in by_day} == set(LISTS[1])
