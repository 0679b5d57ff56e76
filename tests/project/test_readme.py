"""The README promises names; these tests hold it to them."""

import re

import pytest
from django.core.management import get_commands

from tests.services.processes import PROJECT

READMES = ("README.md", "README.zh-CN.md")


def read(name: str) -> str:
    return (PROJECT / name).read_text()


@pytest.mark.parametrize("readme", READMES)
def test_every_management_command_named_exists(readme: str) -> None:
    named = set(re.findall(r"manage\.py ([a-z]+)", read(readme)))

    assert named, readme
    assert named - set(get_commands()) == set()


@pytest.mark.parametrize("readme", READMES)
def test_every_command_of_ours_is_named(readme: str) -> None:
    ours = {name for name, package in get_commands().items() if package == "feishu_portal"}

    assert ours, "the portal's own commands are found under its package"
    assert {name for name in ours if name not in read(readme)} == set()


@pytest.mark.parametrize("readme", [*READMES, "CONTRIBUTING.md"])
def test_every_make_target_named_exists(readme: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", read(readme), re.MULTILINE))

    assert named, readme
    assert named - targets == set()


def test_both_readmes_have_the_same_sections() -> None:
    english, chinese = (
        [len(mark) for mark in re.findall(r"^(#+) ", read(name), re.MULTILINE)] for name in READMES
    )

    assert english == chinese
