"""Commands speak one language: that of the terminal."""

import pytest
from django.core.management import get_commands, load_command_class

from feishu_portal.management.speaking import PortalCommand, language, said, speaking
from feishu_portal.reference.commands_page import APP, own_commands
from tests.feishu_portal.test_translations import CHINESE


def help_of(name: str) -> str:
    return load_command_class(APP, name).create_parser("manage.py", name).format_help()


@pytest.mark.parametrize(("locale", "spoken"), [("zh_CN.UTF-8", "zh-hans"), ("C.UTF-8", "en")])
def test_language_is_that_of_the_terminal(locale, spoken, monkeypatch):
    monkeypatch.setenv("LC_ALL", locale)
    assert language() == spoken
    assert said("中文", "English") == ("中文" if spoken == "zh-hans" else "English")


def test_page_may_choose_another_one():
    with speaking("zh-hans"):
        assert said("中文", "English") == "中文"
    with speaking("en"):
        assert said("中文", "English") == "English"


@pytest.mark.parametrize("name", own_commands())
def test_help_is_in_one_language(name):
    assert get_commands()[name] == APP
    with speaking("en"):
        assert not CHINESE.search(help_of(name))
    if isinstance(load_command_class(APP, name), PortalCommand):
        with speaking("zh-hans"):
            text = help_of(name)
        assert CHINESE.search(text)
        assert "show this help message" not in text
        assert "positional arguments" not in text
