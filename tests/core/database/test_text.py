import pytest

from core.database.text import storable


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("an ordinary text 李雷 😀", "an ordinary text 李雷 😀"),
        ("a\x00b", "ab"),
        ("half \ud83d", "half ?"),
        ("x" * 41, "x" * 40),
    ],
)
def test_text_becomes_what_a_column_takes(text, stored):
    assert storable(text, 40) == stored
