"""Writes the portal's commands and their options into docs/reference/commands.md and its Chinese page:
``DEBUG=on python -m feishu_portal.reference.commands_page``.
"""

from argparse import SUPPRESS, Action
from pathlib import Path
from typing import Final

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from feishu.text import Text
from feishu_portal.management.speaking import speaking
from feishu_portal.reference.marked_pages import pages, table, write_with_django

PROGRAM: Final = "manage.py"
APP: Final = "feishu_portal"

_HEAD = [Text("选项", "option"), Text("说明（即 --help 的内容）", "meaning")]


def documents() -> dict[Path, str]:
    """The pages as they should be, by their paths. Django has to be set up."""
    return pages("reference/commands", "commands", _sections)


def own_commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app == APP)


def options(name: str) -> list[Action]:
    """The command's own arguments, without those that every command of Django has."""
    parser = load_command_class(APP, name).create_parser(PROGRAM, name)
    everywhere = {action.dest for action in BaseCommand().create_parser(PROGRAM, name)._actions}  # noqa: SLF001 -- argparse lists them nowhere else
    return [
        action
        for action in parser._actions  # noqa: SLF001 -- see above
        if action.dest not in everywhere and action.help != SUPPRESS
    ]


def _sections(language: str) -> str:
    with speaking(language):
        return "".join(_section(name, language) for name in own_commands())


def _section(name: str, language: str) -> str:
    rows = [[f"`{_usage(action)}`", _meaning(action)] for action in options(name)]
    listed = table([head.in_language(language) for head in _HEAD], rows) + "\n" if rows else ""
    command = load_command_class(APP, name)
    command.create_parser(PROGRAM, name)  # its help is in one language from here on
    return f"### {name}\n\n{command.help}\n\n{listed}"


def _usage(action: Action) -> str:
    name = value = str(action.metavar or action.dest.upper())
    if action.choices and not isinstance(action.choices, range):
        value = ", ".join(map(str, action.choices))
    if not action.option_strings:
        return name if name == value else f"{name}: {value}"
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _meaning(action: Action) -> str:
    return (action.help or "").replace("%%", "%") % {"default": action.default}


if __name__ == "__main__":
    write_with_django(documents)
