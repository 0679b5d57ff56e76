import pytest

from feishu.text import Text, terminal_language

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


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh-hans"),
    ],
)
def test_language_of_the_terminal_is_that_of_its_locale(environ, language):
    assert terminal_language(environ) == language
