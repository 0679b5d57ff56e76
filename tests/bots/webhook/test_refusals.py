from bots.webhook.refusals import words_for
from events.ingress.webhook import refusals


def test_every_reason_has_words_in_both_languages():
    named = {value for value in vars(refusals).values() if isinstance(value, refusals.Refusal)}
    assert named == set(refusals.ALL)
    assert len({refusal.reason for refusal in named}) == len(named)
    for refusal in named:
        words = words_for(refusal.reason)
        assert (words.cause, words.cure) == (refusal.cause, refusal.cure)
        assert words.cause.zh_cn != words.cause.en_us
        assert len(refusal.reason) <= 32


def test_reason_that_nobody_names_is_shown_as_it_is():
    assert words_for("of another version").cause.en_us == "of another version"
