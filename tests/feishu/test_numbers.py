import pytest

from feishu.numbers import integer, positive


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


@pytest.mark.parametrize(("value", "number"), [("7200", 7200), (0, None), ("-1", None), (None, None)])
def test_seconds_are_positive(value, number):
    assert positive(value) == number
