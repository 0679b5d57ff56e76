"""The page of commands is made of their parsers."""

import re

from feishu_portal.reference.commands_page import documents, options, own_commands


def test_pages_are_current() -> None:
    outdated = [path.name for path, content in documents().items() if path.read_text() != content]
    assert outdated == [], "run make docs"


def test_each_command_of_ours_has_its_section_with_every_option() -> None:
    for page in documents().values():
        assert re.findall(r"^### (.+)$", page, re.MULTILINE) == own_commands()
    assert {string for action in options("addbot") for string in action.option_strings} >= {
        "--app-id",
        "--app-secret-file",
    }
    assert "--settings" not in {string for action in options("addbot") for string in action.option_strings}
