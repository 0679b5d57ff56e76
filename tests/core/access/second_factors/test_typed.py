import pytest

from core.access.second_factors.typed import letters_and_digits


@pytest.mark.parametrize(
    "typed",
    [
        "123456",
        " 123 456\n",
        "123-456",
        "１２３４５６",
        "１２３　４５６",
        "123\u200b456",
        "\ufeff123456",
        "123\u2011456",
        "123\xa0456",
        "123·456",
    ],
)
def test_code_is_read_as_it_was_meant(typed):
    assert letters_and_digits(typed) == "123456"


def test_recovery_code_too():
    assert letters_and_digits("Ｋ3FQ–7m2a — xw5e-p4hb ") == "k3fq7m2axw5ep4hb"


@pytest.mark.parametrize("typed", ["", "   ", "-", "\u200b"])
def test_nothing_stays_nothing(typed):
    assert letters_and_digits(typed) == ""
