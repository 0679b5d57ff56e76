from datetime import UTC, datetime, timedelta

import pytest

from feishu.numbers import LONGEST, integer, seconds


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        ("0", 0),
        (" 7200 ", 7200),
        (7200.0, 7200),
        ("-1", -1),
        (1000040350, 1000040350),
        (True, None),
        (None, None),
        ("", None),
        ("-", None),
        ("--1", None),
        ("7200s", None),
        ("٣", None),
        ("9" * 5000, None),
        (10**18 - 1, 10**18 - 1),
        (10**18, None),
        (-(10**400), None),
        (1e300, None),
        (7.5, None),
        (float("nan"), None),
        (float("inf"), None),
        ([1], None),
    ],
)
def test_number_is_read_however_it_is_written(value, number):
    assert integer(value) == number


@pytest.mark.parametrize(
    ("value", "lasts"),
    [
        ("7200", 7200),
        (" 7200.5 ", 7200),
        (7200.9, 7200),
        (10**17, LONGEST),
        (1e300, LONGEST),
        (0, None),
        (0.5, None),
        ("-1", None),
        (True, None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_seconds_are_whole_and_at_least_one(value, lasts):
    assert seconds(value) == lasts


def test_longest_time_ends_before_the_last_year():
    assert datetime.now(UTC) + timedelta(seconds=LONGEST)
