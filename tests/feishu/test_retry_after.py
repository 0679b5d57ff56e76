from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.retry_after import LONGEST, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("9" * 10, None),
        ("9" * 400, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("Mon, 01 Jan 2024 00:00:00 +9999999999999999", None),
        ("-5", None),
        ("NaN", None),
        ("1e400", None),
        ("\xb2", None),
        ("\u0663", None),
        ("soon", None),
        ("", None),
    ],
)
def test_seconds_of_either_form_and_of_nothing_else(value, seconds):
    assert retry_after(value) == seconds


@pytest.mark.parametrize("zone", [" GMT", " +0000", ""])
def test_date_is_in_utc_where_it_does_not_say_so(zone):
    moment = format_datetime(datetime.now(UTC) + timedelta(minutes=2)).removesuffix(" +0000")
    wait = retry_after(moment + zone)
    assert wait is not None
    assert 60 < wait <= 120


@given(
    st.text(max_size=60)
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]?\w{0,9}")
)
def test_no_value_breaks_it(value):
    assert (wait := retry_after(value)) is None or 0.0 <= wait <= LONGEST
