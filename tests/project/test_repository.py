import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.services.processes import PROJECT

# Written so that this file does not hold what it looks for.
REGISTRIES = re.compile(r"py[p]i\.org|python[h]osted|npm[j]s\.|deb\.deb[i]an|mirrors\.[a-z]+\.")
LOGGED_PROSE = re.compile(
    r"""logger\.(?:debug|info|warning|error|exception|critical)\(\s*f?"[^"\n]*[^a-z0-9_%"\n]"""
)
HOMES = re.compile(r"(?<![\w.])/(?:root|ho[m]e/\w+|User[s]/\w+)/")


@cache
def texts() -> dict[str, str]:
    """Every text file under version control, by its path."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if listing.returncode:
        pytest.skip("not a git work tree")
    found = {}
    for name in filter(None, listing.stdout.split("\0")):
        path = PROJECT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            found[name] = content.decode()
    return found


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}: {line.strip()[:120]}"
        for name, text in texts().items()
        for line in text.splitlines()
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRIES) == []


def test_no_file_names_somebodys_home_or_this_checkout() -> None:
    assert lines_with(HOMES) == []
    assert lines_with(re.compile(re.escape(f"{PROJECT}/"))) == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert REGISTRIES.search("https://py" + "pi.org/simple")
    assert HOMES.search('path = "/ho' + 'me/somebody/project"')
    assert LOGGED_PROSE.search('logger.info(\n    "Ignored %s", reason)')
    assert not LOGGED_PROSE.search('logger.info("frame_ignored", extra={"reason": "A text."})')


def test_no_secret_or_data_is_under_version_control() -> None:
    forbidden = [name for name in texts() if Path(name).name == ".env" or name.startswith("data/")]

    assert forbidden == []


def test_each_exception_to_the_linter_has_its_reason() -> None:
    assert lines_with(re.compile(r"#\s*noqa(: [A-Z0-9, ]+)?\s*$")) == []


def test_each_log_line_is_the_name_of_an_event() -> None:
    product = {name: text for name, text in texts().items() if not name.startswith(("tests/", "docs/"))}

    assert [name for name, text in product.items() if LOGGED_PROSE.search(text)] == []
