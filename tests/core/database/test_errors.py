from django.db import OperationalError

from core.database.errors import MAX_PROBLEM, described


def test_error_is_described_by_its_class_and_its_first_line():
    error = OperationalError('duplicate key violates "x"\nDETAIL:  Key (token)=(secret) already exists.\n')
    assert described(error) == {"error": "OperationalError", "problem": 'duplicate key violates "x"'}


def test_description_is_bounded():
    assert len(described(ValueError("x" * 9_000))["problem"]) == MAX_PROBLEM
    assert described(ValueError())["problem"] == ""
