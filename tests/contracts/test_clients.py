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


@pytest.fixture
def one_bot(transactional_db):
    """The App ID of a portal's one bot, and a key that may read it."""
    _client, key = add_api_client(
        name="generated", scopes=[Scope.BOTS_READ], bots=[], expires_at=None, actor=SYSTEM
    )
    return make_bot().app_id, key


# Which database it is makes no difference.
@pytest.mark.only_on("postgres")
def test_generated_python_client_is_understood(live_server, one_bot, tmp_path):
    need(PYTHON)
    # A warning is an operation or a schema that the generator leaves out.
    run(
        PYTHON, "-m", "openapi_python_client", "generate", "--path", DOCUMENT, "--config", HERE / "client.yaml",
        "--meta", "none", "--output-path", tmp_path / "portal_client", "--fail-on-warning",
    )  # fmt: skip
    app_id, key = one_bot
    said = run(PYTHON, HERE / "use_client.py", tmp_path, live_server.url, key)
    assert said.split() == [app_id, "caller_unauthenticated"]


@pytest.mark.only_on("postgres")
def test_typescript_client_of_generated_types_is_understood(live_server, one_bot, tmp_path):
    for package in ("openapi-fetch", "openapi-typescript", "typescript"):
        need(MODULES / package)
    node = shutil.which("node")
    run(node, MODULES / "openapi-typescript" / "bin" / "cli.js", DOCUMENT, "-o", tmp_path / "api.d.ts")
    (tmp_path / "node_modules").symlink_to(MODULES.resolve())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    sources = [shutil.copy(HERE / name, tmp_path) for name in ("use_types.ts", "use_client.ts")]
    run(
        node, MODULES / "typescript" / "bin" / "tsc", "--strict", "--target", "es2022", "--module", "esnext",
        "--moduleResolution", "bundler", *sources, tmp_path / "api.d.ts",
    )  # fmt: skip
    app_id, key = one_bot
    said = run(node, tmp_path / "use_client.js", live_server.url, key)
    assert said.split() == [app_id, "caller_unauthenticated"]
