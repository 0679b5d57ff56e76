"""READMEs and pages promise names, in two languages; these tests hold them to it.

Each looks at all pages and names those that break a promise: a test a page would cost more than the looking.
"""

import re
from functools import cache
from inspect import signature
from pathlib import Path

import pytest
from django.core.management import get_commands

from core.access.scopes import Scope
from events import on, on_card
from feishu_portal.api.description.errors import ERRORS
from feishu_portal.reference.commands_page import options, own_commands
from feishu_portal.settings_table import SettingsTable
from tests.services.processes import PROJECT

READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "docs").rglob("*.md"))
TRANSLATED = [name for name in PAGES if name.endswith(".zh.md")]
COMMANDS = ("docs/reference/commands.md", "docs/reference/commands.zh.md")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
NO_OPERATIONS = {"method_not_allowed", "body_too_long"}
"""Errors that no operation of the OpenAPI document answers with: they come before there is one."""
OTHERS_VARIABLES = {"FEISHU_API_BASE", "FEISHU_APP_SECRET", "FEISHU_PORTAL_KEY"}
"""That another program reads, and that a command alone does."""
MAKE = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)


@cache
def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def headings(text: str) -> list[int]:
    """The levels of the headings; a comment in an example is none."""
    return [len(mark) for mark in re.findall(r"^(#+) ", without_examples(text), re.MULTILINE)]


def table_rows(text: str) -> int:
    return len(re.findall(r"^ *\|", without_examples(text), re.MULTILINE))


def without_examples(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_every_command_and_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    wrong = {
        (page, name)
        for page in (*READMES, "CONTRIBUTING.md", *PAGES)
        for name in {
            *set(re.findall(r"manage\.py ([a-z]+)", read(page))) - set(get_commands()),
            *set(MAKE.findall(read(page))) - targets,
        }
    }

    assert wrong == set()


@pytest.mark.parametrize("readme", READMES)
def test_readme_shows_five_small_pictures(readme: str) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", read(readme))

    assert len(pictures) == 5
    assert [name for name in pictures if (PROJECT / name).stat().st_size > 150_000] == []


@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_of_ours_is_described(page: str) -> None:
    ours = {name for name, package in get_commands().items() if package == "feishu_portal"}

    assert ours, "the portal's own commands are found under its package"
    assert {name for name in ours if name not in read(page)} == set()


def test_both_languages_have_the_same_sections() -> None:
    pairs = [READMES, *((name.replace(".zh.md", ".md"), name) for name in TRANSLATED)]

    assert TRANSLATED
    for english, chinese in pairs:
        assert headings(read(english)) == headings(read(chinese)), chinese
        assert table_rows(read(english)) == table_rows(read(chinese)), chinese


def test_every_guide_is_translated() -> None:
    guides = {name for name in PAGES if Path(name).parent.name == "how-to" and name not in TRANSLATED}

    assert guides
    assert {name.replace(".md", ".zh.md") for name in guides} - set(TRANSLATED) == set()


def test_every_option_of_a_command_named_exists() -> None:
    own = {name: {o for action in options(name) for o in action.option_strings} for name in own_commands()}
    known = {name: found | {"--help"} for name, found in own.items()}
    # To the end of the code span, the line, or the next command.
    use = re.compile(rf"(?:manage\.py |`)({'|'.join(known)})\b([^`\n|;#&]*)")
    wrong = [
        f"{page}: {command} {option}"
        for page in PAGES
        for command, rest in use.findall(read(page).replace("\\\n", " "))
        for option in OPTION.findall(rest)
        if option not in known[command]
    ]

    assert wrong == []


def test_every_variable_named_exists() -> None:
    known = {variable.name for variable in SettingsTable.variables()} | OTHERS_VARIABLES
    named = {
        (page, name)
        for page in (*READMES, *PAGES)
        for name in re.findall(r"(?<![A-Z_{<*])FEISHU_[A-Z_]+[A-Z](?![A-Z_{*…-])", read(page))
    }

    assert named
    assert {
        one for one in named if one[1].removesuffix("_FILE") not in known and one[1] not in known
    } == set()


@pytest.mark.parametrize("page", ["docs/reference/api-errors.md", "docs/reference/api-errors.zh.md"])
def test_every_error_of_the_api_is_explained(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d, ]+) \|", read(page), re.MULTILINE)
    explained = {(int(status), code) for code, statuses in rows for status in statuses.split(",")}

    assert {(error.status, error.code) for error in ERRORS.values()} - explained == set()
    assert {code for _, code in explained} - {error.code for error in ERRORS.values()} <= NO_OPERATIONS


@pytest.mark.parametrize("page", ["docs/reference/handlers.md", "docs/reference/handlers.zh.md"])
def test_every_option_of_handlers_is_explained(page: str) -> None:
    explained = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", read(page), re.MULTILINE))))
    options_of = {name for function in (on, on_card) for name in signature(function).parameters}

    assert explained == options_of - {"pattern", "action"}


@pytest.mark.parametrize("page", ["docs/how-to/use-the-api.md", "docs/how-to/use-the-api.zh.md"])
def test_every_scope_is_explained(page: str) -> None:
    assert [scope for scope in Scope if f"`{scope}`" not in read(page)] == []
