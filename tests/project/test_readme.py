"""READMEs and pages promise names, in two languages; these tests hold them to it."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.services.processes import PROJECT

READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "docs").rglob("*.md"))
TRANSLATED = [name for name in PAGES if name.endswith(".zh.md")]
COMMANDS = ("docs/reference/commands.md", "docs/reference/commands.zh.md")
MAKE = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def headings(text: str) -> list[int]:
    """The levels of the headings; a comment in an example is none."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [len(mark) for mark in re.findall(r"^(#+) ", outside, re.MULTILINE)]


@pytest.mark.parametrize("page", [*READMES, "CONTRIBUTING.md", *PAGES])
def test_every_command_and_make_target_named_exists(page: str) -> None:
    commands = set(re.findall(r"manage\.py ([a-z]+)", read(page)))
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))

    assert commands - set(get_commands()) == set()
    assert set(MAKE.findall(read(page))) - targets == set()


@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_of_ours_is_described(page: str) -> None:
    ours = {name for name, package in get_commands().items() if package == "feishu_portal"}

    assert ours, "the portal's own commands are found under its package"
    assert {name for name in ours if name not in read(page)} == set()


@pytest.mark.parametrize(
    ("english", "chinese"), [READMES, *((name.replace(".zh.md", ".md"), name) for name in TRANSLATED)]
)
def test_both_languages_have_the_same_sections(english: str, chinese: str) -> None:
    assert headings(read(english)) == headings(read(chinese))


@pytest.mark.parametrize(
    "page", [name for name in PAGES if Path(name).parent.name == "how-to" and name not in TRANSLATED]
)
def test_every_guide_is_translated(page: str) -> None:
    assert page.replace(".md", ".zh.md") in TRANSLATED
