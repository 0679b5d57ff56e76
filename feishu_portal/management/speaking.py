"""Commands in the language of the terminal: their help and what they say, one language at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter

from feishu.text import Text, terminal_language

_chosen: ContextVar[str] = ContextVar("language_of_commands", default="")

# What argparse and Django say of every command.
USAGE: Final = Text("用法：", "usage: ")
GROUPS: Final = {"positional arguments": "位置参数", "options": "选项"}
EVERYWHERE: Final = {
    "help": "显示此帮助并退出",
    "version": "显示版本并退出",
    "verbosity": "输出的详细程度：0 最少，1 正常，2 详细，3 最详细",
    "settings": "设置模块的 Python 路径，例如 myproject.settings.main；默认取自环境变量 DJANGO_SETTINGS_MODULE",
    "pythonpath": "加入 Python 路径的目录",
    "traceback": "出错时显示完整的调用栈",
    "no_color": "输出不带颜色",
    "force_color": "总是输出颜色",
    "skip_checks": "跳过系统检查",
}


def said(zh_cn: str, en_us: str) -> str:
    """The sentence in the language in which commands speak."""
    return Text(zh_cn, en_us).in_language(language())


def language() -> str:
    """That of the terminal."""
    return _chosen.get() or terminal_language(os.environ)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """For pages that show the help of commands: as at a terminal with this language."""
    before = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(before)


class PortalCommand(BaseCommand):
    """``about`` is its help; that of its options is ``said`` as they are added."""

    about: Text

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        self.help = self.about.in_language(language())
        parser = super().create_parser(prog_name, subcommand, formatter_class=_HelpFormatter, **options)
        if USAGE.in_language(language()) == USAGE.zh_cn:
            _translate(parser)
        return parser


class _HelpFormatter(DjangoHelpFormatter):
    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or USAGE.in_language(language()))


def _translate(parser: CommandParser) -> None:
    for group in parser._action_groups:  # noqa: SLF001 -- argparse takes its own words from nowhere else
        group.title = GROUPS.get(group.title or "", group.title)
    for action in parser._actions:  # noqa: SLF001 -- see above
        if action.help and action.dest in EVERYWHERE:
            action.help = EVERYWHERE[action.dest]
