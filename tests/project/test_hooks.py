"""The hooks of pre-commit, and the check of commit messages among them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pre_commit.clientlib import load_config

from tests.services.processes import PROJECT

CONFIG = PROJECT / ".pre-commit-config.yaml"


def hooks() -> list[dict[str, Any]]:
    return [hook for repository in load_config(str(CONFIG))["repos"] for hook in repository["hooks"]]


def refusal(message: str, directory: Path) -> str:
    """What the check of commit messages says, empty when it lets the message pass."""
    file = directory / "COMMIT_EDITMSG"
    file.write_text(message)
    run = subprocess.run(
        [PROJECT / ".ci" / "commit-subject", file], capture_output=True, text=True, timeout=10, check=False
    )
    assert (run.returncode == 0) == (run.stderr == "")
    return run.stderr


def test_hooks_need_nothing_from_outside() -> None:
    assert {repository["repo"] for repository in load_config(str(CONFIG))["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks()} <= {"system", "unsupported"}


def test_make_targets_of_hooks_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    called = {
        match[1] for hook in hooks() if (match := re.fullmatch(r"make --silent ([a-z-]+)", hook["entry"]))
    }

    assert called
    assert called - targets == set()


@pytest.mark.processes
@pytest.mark.parametrize(
    "message",
    [
        "Store events in batches",
        "s" * 60,
        "事" * 60,
        "Store events in batches\n\nBecause one commit for each is slow.\n# Please enter the commit message\n",
        "Merge branch 'of a name that is much longer than sixty characters are' into main",
    ],
)
def test_commit_message_passes(message: str, tmp_path: Path) -> None:
    assert refusal(message, tmp_path) == ""


@pytest.mark.processes
@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("s" * 61, "61 characters"),
        ("事" * 61, "61 characters"),
        ("Store events\nin batches", "has to be empty"),
    ],
)
def test_commit_message_is_refused(message: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(message, tmp_path)
