import pytest

from bots.people.keys import MAX_KEY, MAX_KEYS, folded, search_keys


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("王芳", ["王芳", "芳"]),
        ("Li Lei", ["li lei", "lei"]),
        ("Anne-Marie O’Neill", ["anne-marie o’neill", "marie o’neill", "o’neill", "neill"]),
        ("lei@example.com", ["lei@example.com", "example.com", "com"]),
        ("", []),
        (" … ", []),
    ],
)
def test_each_place_at_which_somebody_may_begin_to_type(name, keys):
    assert search_keys(name) == keys


def test_keys_of_several_texts_are_each_there_once():
    assert search_keys("Lei", "LEI", "lei li") == ["lei", "lei li", "li"]


def test_case_width_and_blanks_make_no_difference():
    assert folded("  Ｌｉ\t LEI ") == "li lei"


def test_keys_are_bounded():
    keys = search_keys("".join(map(chr, range(0x4E00, 0x4F00))), "a b " * 200)
    assert len(keys) == MAX_KEYS
    assert max(map(len, keys)) <= MAX_KEY
