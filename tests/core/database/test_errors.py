from django.db import OperationalError

from core.database.errors import MAX_PROBLEM, causes, described


def test_error_is_described_by_its_class_and_its_first_line():
    error = OperationalError('duplicate key violates "x"\nDETAIL:  Key (token)=(secret) already exists.\n')
    assert described(error) == {"error": "OperationalError", "problem": 'duplicate key violates "x"'}


def test_description_is_bounded():
    assert len(described(ValueError("x" * 9_000))["problem"]) == MAX_PROBLEM
    assert described(ValueError())["problem"] == ""


def test_causes_are_told_once_even_where_they_go_round_in_a_circle():
    first, second = OperationalError("away"), ValueError("while it was handled")
    second.__context__, first.__cause__ = first, second
    assert list(causes(second)) == [second, first]


def test_cause_that_was_suppressed_is_none():
    error = ValueError("of its own")
    error.__context__, error.__suppress_context__ = OperationalError("away"), True
    assert list(causes(error)) == [error]
