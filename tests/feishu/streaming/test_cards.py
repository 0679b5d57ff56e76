"""The cards of growing replies: acceptable to the platform, and what a note does to one."""

from feishu.streaming.cards import (
    INTERRUPTED,
    SUMMARY,
    TYPING,
    still_card,
    summary_of,
    typing_card,
    with_note,
)
from sandbox.cards import validation


def test_platform_takes_them():
    for card in (typing_card("**Hello**"), still_card("Hello"), still_card("Hello", TYPING)):
        validation.check(card)
        assert validation.is_shared(card)


def test_summary_is_the_beginning_on_one_line():
    assert summary_of("  Hello\n\nworld ") == "Hello world"
    assert len(summary_of("word " * 100)) == SUMMARY


def test_note_takes_the_place_of_the_one_before():
    card = with_note(still_card("Hello", TYPING), INTERRUPTED)
    assert card == still_card("Hello", INTERRUPTED)
    assert len(with_note({}, INTERRUPTED)["body"]["elements"]) == 1
