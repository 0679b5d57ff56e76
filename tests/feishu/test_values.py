import pytest

from feishu.values import mapping_of, objects_of, text_of


@pytest.mark.parametrize("odd", [None, 1, True, [], {}, [{}], {"a": 1}, "a", "[]"])
def test_what_is_something_else_is_empty(odd):
    assert text_of(odd) == (odd if isinstance(odd, str) else "")
    assert mapping_of(odd) == (odd if isinstance(odd, dict) else {})
    assert objects_of(odd) == (odd if isinstance(odd, list) else [])


def test_of_a_list_its_objects_are_left():
    assert objects_of([{"a": 1}, None, "odd", [], {}]) == [{"a": 1}, {}]
