import pytest
from django.utils.translation import override

from core.console.sentences import cause_and_cure, in_language, in_sentences
from feishu.codes import explain
from feishu.text import Text


@pytest.mark.parametrize(("language", "said"), [("en", "Cause. Cure."), ("zh-hans", "Cause。Cure。")])
def test_each_part_ends_with_the_full_stop_of_the_language(language: str, said: str) -> None:
    with override(language):
        assert in_sentences("Cause", "Cure") == said


def test_full_stop_is_not_doubled_and_empty_parts_are_left_out() -> None:
    with override("en"):
        assert in_sentences("Cause.", "", "Cure。") == "Cause. Cure."
        assert in_sentences("", "") == ""


def test_text_is_said_in_the_active_language() -> None:
    text = Text("重新授权", "Authorize again")
    with override("zh-hans"):
        assert in_language(text) == "重新授权"
    with override("en"):
        assert in_language(text) == "Authorize again"


def test_without_an_active_language_that_of_the_settings_is_taken(settings) -> None:
    settings.LANGUAGE_CODE = "en"
    with override(None):
        assert in_language(Text("重新授权", "Authorize again")) == "Authorize again"


def test_code_is_said_with_cause_and_cure() -> None:
    info = explain(10014)
    with override("en"):
        cause, cure = in_language(info.cause), in_language(info.cure)
        assert cause_and_cure(info) == in_sentences(cause, cure)
        assert cause in cause_and_cure(info)
