"""A long text as it grows: where it is cut, and that nothing of it is lost."""

import json

import pytest

from feishu.streaming.cutting import HARD, Cut, cut, fitting


def size_of(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def cards_of(text: str, *, step: int, limit: int = 2_000) -> list[tuple[str, Cut | None]]:
    """The text as it comes, ``step`` characters at a time, each card with the cut that ended it."""
    cards, head, rest = [], "", ""
    for at in range(0, len(text), step):
        rest += text[at : at + step]
        while (found := cut(head + rest, shown=0, limit=limit)) is not None:
            whole = head + rest
            cards.append((whole[: found.at] + found.tail, found))
            head, rest = found.head, whole[found.at :]
    return [*cards, (head + rest, None)]


@pytest.mark.parametrize("step", [1, 7, 500, 100_000])
@pytest.mark.parametrize(
    "text",
    [
        "Some words in a line.\n" * 300,
        "A paragraph that says something.\n\n" * 200,
        "没有空格也没有换行" * 600,
        "no_spaces" * 700,
        '"quotes" and \\ and \n\n' * 300,
    ],
)
def test_nothing_is_lost_and_every_card_fits(text, step):
    cards = cards_of(text, step=step)
    assert "".join(card for card, _cut in cards) == text
    assert len(cards) > 2
    assert max(size_of(card) for card, _cut in cards) <= 2_000


def test_short_text_is_left_alone():
    assert cut("short") is None
    assert cut("x" * int(HARD * 0.7)) is None


def test_end_of_a_paragraph_is_taken_before_the_end_of_a_line():
    text = "line\n" * 250 + "\n" + "line\n" * 60
    found = cut(text, limit=2_000)
    assert found == Cut(len("line\n" * 250) + 1)


def test_line_is_kept_whole_where_there_is_no_paragraph():
    text = "a line of words\n" * 200
    found = cut(text, limit=2_000)
    assert found is not None
    assert text[: found.at].endswith("\n")


def test_word_is_kept_whole_where_there_is_no_line():
    found = cut("word " * 500, limit=2_000)
    assert found is not None
    assert found.at % 5 == 0


@pytest.mark.parametrize("character", ["👨‍👩‍👧‍👦", "👍🏽", "🇨🇳", "e\u0301", "❤️"])
def test_character_of_several_code_points_stays_whole(character):
    whole = character * 900
    found = cut(whole, limit=2_000)
    assert found is not None
    assert found.at % len(character) == 0


def test_code_block_is_closed_and_opened_again():
    text = "Look:\n```python\n" + "print('hello')\n" * 200
    found = cut(text, limit=2_000)
    assert found is not None
    assert (found.tail, found.head) == ("```", "```python\n")
    assert text[: found.at].endswith("\n")


def test_code_block_that_has_ended_is_none():
    text = "```\ncode\n```\n" + "line of words\n" * 200
    found = cut(text, limit=2_000)
    assert found is not None
    assert (found.tail, found.head) == ("", "")


def test_block_that_one_line_fills_is_closed_on_a_line_of_its_own():
    found = cut("~~~~\n" + "x" * 3_000, limit=2_000)
    assert found is not None
    assert (found.tail, found.head) == ("\n~~~~", "~~~~\n")


def test_inner_fence_of_another_kind_ends_no_block():
    text = "````md\n```\n" + "x y\n" * 600
    found = cut(text, limit=2_000)
    assert found is not None
    assert found.head == "````md\n"


def test_what_is_shown_stays_where_it_is():
    text = "line of words\n" * 200
    found = cut(text, shown=1_795, limit=2_000)
    assert found is not None
    assert found.at >= 1_795
    assert cut(text, shown=2_500, limit=2_000) == Cut(2_500)


def test_size_counts_as_json_writes_it():
    assert fitting("x" * 10, 10) == 10
    assert fitting("中" * 10, 10) == 3
    assert fitting("\n" * 10, 10) == 5
    assert fitting("ab", 10) == 2
