import pytest
from django.utils import translation

from core.console.sentences import advice_on, cause_and_cure, in_language, in_sentences
from core.vault.keyring import SealedValueError
from feishu.codes import explain
from feishu.errors import TransportError
from feishu.reasons import Reason
from feishu.text import Text


def test_parts_become_sentences_with_the_full_stop_of_the_language():
    with translation.override("en"):
        assert in_sentences("It broke", "", "Mend it.") == "It broke. Mend it."
    with translation.override("zh-hans"):
        assert in_sentences("断开", "请检查。") == "断开。请检查。"


@pytest.mark.parametrize(("language", "words"), [("en", "Hello"), ("zh-hans", "你好"), (None, "你好")])
def test_text_is_in_the_active_language_or_the_portals_own(settings, language, words):
    settings.LANGUAGE_CODE = "zh-hans"
    with translation.override(language):
        assert in_language(Text("你好", "Hello")) == words


def test_advice_is_cause_and_cure():
    info = explain(1000040345)
    with translation.override("en"):
        assert cause_and_cure(info) == f"{info.cause.en_us}. {info.cure.en_us}."


def test_advice_on_a_failed_call_promises_no_repetition():
    with translation.override("en"):
        words = advice_on(TransportError("refused"))
        assert words == cause_and_cure(TransportError("refused").info.for_one_attempt)
        assert advice_on(SealedValueError("no key")) == cause_and_cure(explain(None, Reason.SEALED))
