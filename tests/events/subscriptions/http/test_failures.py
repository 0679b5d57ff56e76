"""Errors of deliveries: stored in English, shown in Chinese as well."""

import re

import pytest
from django.utils import translation

from events.subscriptions.http import failures
from events.subscriptions.http.failures import REDIRECTED, SENTENCES, Sentence, in_chinese, shown

HOLE = re.compile(r"\{(\w+)\}")
VALUES = {
    "seconds": "15",
    "setting": "FEISHU_DELIVERY_NETWORKS",
    "status": "302",
    "size": "40000",
    "most": "30720",
    "target": "https://a.test/x. Redirects {odd}",
    "problem": "self-signed certificate (in chain).",
    "said": "ConnectError: [Errno 111] (refused) {0}%s",
}


def values(sentence: Sentence) -> dict[str, str]:
    return {name: VALUES[name] for name in HOLE.findall(sentence.en_us)}


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one.en_us[:30])
def test_every_sentence_is_found_again_with_its_values(sentence):
    stored = sentence(**values(sentence))
    assert set(HOLE.findall(sentence.zh_cn)) <= set(values(sentence))
    chinese = in_chinese(stored)
    assert chinese == sentence.zh_cn.format(**values(sentence))
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    with translation.override("zh-hans"):
        assert shown(stored) == chinese
    with translation.override("en"):
        assert shown(stored) == stored


def test_all_sentences_are_known():
    assert set(SENTENCES) == {one for one in vars(failures).values() if isinstance(one, Sentence)}


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "HTTP 500: oh no",
        "HTTP 302: redirected to ",
        "No answer within 15 s",
        "No answer within",
        REDIRECTED(status=302, target="x")[:-1],
        "Traceback (most recent call last):\nValueError: No answer within 15 s.",
    ],
)
def test_anything_else_is_shown_as_it_is(stored):
    assert in_chinese(stored) == stored


class Searched(str):
    """Counts how often it is searched, which takes time in proportion to its length."""

    __slots__ = ("searches",)

    def find(self, *args):
        self.searches += 1
        return super().find(*args)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one.en_us[:30])
def test_long_text_is_searched_once_for_each_value_at_most(sentence):
    stored = Searched(sentence.en_us * 3_000)
    stored.searches = 0
    sentence.values_in(stored)
    assert stored.searches <= len(HOLE.findall(sentence.en_us))
