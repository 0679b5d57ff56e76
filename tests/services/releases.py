"""Releases of this project, as git and the changelog know them."""

import re
import subprocess
from pathlib import Path

from core import __version__
from tests.services.processes import PROJECT


def git(*arguments: str) -> bytes:
    # Whoever runs the tests need not own the clone.
    command = ["git", "-c", f"safe.directory={PROJECT}", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=60, check=True).stdout


def released() -> list[str]:
    """The versions that the changelog has with a date, newest first."""
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    return re.findall(r"^## \[([\d.]+)\] – \d{4}-\d\d-\d\d", changelog, re.MULTILINE)


def tag_before() -> str | None:
    """The tag of the last release before this version; None before the first. Raises AssertionError where the tag is missing:
    a clone without tags shall not pass for a project without releases."""
    earlier = [version for version in released() if version != __version__]
    if not earlier:
        return None
    tag = f"v{earlier[0]}"
    assert tag.encode() in git("tag", "--list", tag), (
        f"The changelog has {tag}, this clone has not: git fetch --tags"
    )
    return tag


def unpack(revision: str, directory: Path) -> None:
    """The project as it is at that revision, into the directory."""
    archive = git("archive", "--format=tar", revision)
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive, timeout=60, check=True)
