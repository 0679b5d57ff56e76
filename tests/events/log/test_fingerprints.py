import pytest

from events.log.fingerprints import fingerprint, last_line


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'order 17'", "KeyError: 'order 18'"),
        ("TimeoutError: no answer within 3 s", "TimeoutError: no answer within 30 s"),
        (
            "FeishuError: ou_84aad35d084aa403a838cf73ee18467 left",
            "FeishuError: ou_5ad573a6411d72b8305fda3a9c15c70e left",
        ),
        (
            "ValueError: 550e8400-e29b-41d4-a716-446655440000",
            "ValueError: 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        ),
        ("File a.py, line 3\nKeyError: 1", "File b.py, line 99\nKeyError: 2"),
    ],
)
def test_errors_that_differ_in_values_alone_are_of_one_kind(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_errors_that_say_something_else_are_of_another_kind() -> None:
    assert fingerprint("KeyError: 1") != fingerprint("ValueError: 1")


def test_no_error_is_of_no_kind() -> None:
    assert fingerprint("") == fingerprint(" \n ") == ""


def test_last_line_of_a_traceback_says_what_went_wrong() -> None:
    assert last_line("Traceback (most recent call last):\n  ...\nKeyError: 1\n\n") == "KeyError: 1"
