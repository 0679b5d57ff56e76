"""Clients are generated from the description of the API, compile, and are understood by the portal."""

import os
import shutil
import subprocess

import pytest

from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
from tests.contracts.foreign import HERE, MODULES, PYTHON, need
from tests.factories import make_bot
from tests.services.processes import PROJECT

DOCUMENT = PROJECT / "docs" / "reference" / "openapi.json"
PATIENCE = 240  # seconds, against hangs alone

pytestmark = [pytest.mark.processes, pytest.mark.timeout(PATIENCE * 2)]


def run(*command):
    """Its output; proxies of the environment are not for this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [*map(str, command)], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_document_is_valid():
    need(PYTHON)
    assert "OK" in run(PYTHON, "-m", "openapi_spec_validator", DOCUMENT)


# Which database it is makes no difference.
@pytest.mark.only_on("postgres")
@pytest.mark.django_db(transaction=True)
def test_generated_python_client_is_understood(live_server, tmp_path):
    need(PYTHON)
    # A warning is an operation or a schema that the generator leaves out.
    run(
        PYTHON, "-m", "openapi_python_client", "generate", "--path", DOCUMENT, "--config", HERE / "client.yaml",
        "--meta", "none", "--output-path", tmp_path / "portal_client", "--fail-on-warning",
    )  # fmt: skip
    bot = make_bot()
    _client, key = add_api_client(
        name="generated", scopes=[Scope.BOTS_READ], bots=[], expires_at=None, actor=SYSTEM
    )
    said = run(PYTHON, HERE / "use_client.py", tmp_path, live_server.url, key)
    assert said.split() == [bot.app_id, "caller_unauthenticated"]


def test_generated_typescript_types_compile(tmp_path):
    need(MODULES / "openapi-typescript")
    need(MODULES / "typescript")
    node = shutil.which("node")
    run(node, MODULES / "openapi-typescript" / "bin" / "cli.js", DOCUMENT, "-o", tmp_path / "api.d.ts")
    shutil.copy(HERE / "use_types.ts", tmp_path)
    run(
        node, MODULES / "typescript" / "bin" / "tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "esnext",
        "--moduleResolution", "bundler", tmp_path / "use_types.ts", tmp_path / "api.d.ts",
    )  # fmt: skip
