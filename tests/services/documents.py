"""Documents whose commands a test runs as they stand there, so that they stay true."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.services.processes import PROJECT

NOT_RUN: Final = ("Not run by the tests: ", "测试中不运行：")
"""How the title of a block begins that no test runs; the reason follows."""

# A comment that no reader sees names the block below it.
_BLOCK = re.compile(r"<!-- run: ([\w-]+) -->\n *```sh\n(.*?)```", re.DOTALL)


def blocks(document: str) -> dict[str, str]:
    """The named blocks of commands in a document of the project, in its order."""
    return dict(_BLOCK.findall((PROJECT / document).read_text()))


def run_block(
    document: str,
    name: str,
    *,
    directory: Path,
    environment: Mapping[str, str],
    typed: str = "",
    programs: Path | None = None,
) -> str:
    """Run one block in a shell, which ends at the first command that fails; what it printed.

    ``typed``: what the operator types. ``programs``: where the shell looks before its path.
    """
    manage = directory / "manage.py"
    if not manage.exists():
        manage.symlink_to(PROJECT / "manage.py")
    path = [
        str(Path(sys.executable).parent),
        *filter(None, [programs and str(programs)]),
        environment.get("PATH", os.defpath),
    ]
    done = subprocess.run(
        ["sh", "-euc", blocks(document)[name]],
        cwd=directory,
        env=dict(environment) | {"PATH": os.pathsep.join(path)},
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{document}, {name}:\n{done.stdout}"
    return done.stdout
