"""Software of others that tests of this folder run.

`make foreign` installs it. Without it these tests are skipped, unless REQUIRE_FOREIGN=1 says that it has to be there.
"""

import os
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PYTHON = HERE / ".venv" / "bin" / "python"


def need(path):
    """Skip, or fail where it is required, when something is not installed."""
    if path.exists() and (path == PYTHON or shutil.which("node")):
        return
    said = f"{path.relative_to(HERE)} is not installed; `make foreign` does it (it needs node and npm)"
    if os.environ.get("REQUIRE_FOREIGN", "") == "1":
        pytest.fail(said)
    pytest.skip(said)
