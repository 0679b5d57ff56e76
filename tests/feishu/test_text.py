import pytest

from feishu.text import Text

GREETING = Text("你好", "Hello")


def test_a_text_has_both_languages_for_cards():
    assert GREETING.i18n() == {"zh_cn": "你好", "en_us": "Hello"}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh-hans", "你好"),
        ("zh-Hans", "你好"),
        ("zh-cn", "你好"),
        ("en", "Hello"),
        ("en-gb", "Hello"),
        ("fr", "Hello"),
    ],
)
def test_a_text_speaks_the_language_asked_for(language, sentence):
    assert GREETING.in_language(language) == sentence
