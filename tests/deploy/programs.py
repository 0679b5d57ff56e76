"""Programs that check or run what deploy/ holds. Without one its tests are skipped, unless REQUIRE_DEPLOY=1 says that it has
to be there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Python's tools lie beside the interpreter, servers where a user's PATH does not lead.
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"])
PATIENCE = 300  # seconds, for a machine with other work


def program(name: str) -> str:
    """Its path."""
    path = shutil.which(name, path=PLACES)
    if path is None:
        missing = f"{name} is not installed"
        (pytest.fail if os.environ.get("REQUIRE_DEPLOY", "") == "1" else pytest.skip)(missing)
    return path


def complaints(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a checking program prints when it is not content; empty when it is."""
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""
