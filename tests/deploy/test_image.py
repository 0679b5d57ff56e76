"""The image's Dockerfile: linted, and its steps as far as they need no container."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from core import __version__
from feishu_portal.command_line import ROLES
from feishu_portal.settings_table import SettingsTable
from tests.deploy.programs import PATIENCE, complaints
from tests.services.processes import PROJECT

DOCKERFILE = PROJECT / "deploy/docker/Dockerfile"
TEXT = DOCKERFILE.read_text()
# Of Python and uvicorn, beside the portal's own.
FOREIGN_VARIABLES = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "UVICORN_HOST"}


@pytest.mark.processes
def test_hadolint_is_content() -> None:
    assert complaints("hadolint", str(DOCKERFILE)) == ""


def context(folder: Path) -> Path:
    """What .dockerignore lets a build see: everything is left out but the lines with an exclamation mark."""
    lines = [
        line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[:1] not in {"", "#"}
    ]
    assert lines[0] == "*"
    for line in lines:
        if line.startswith("!"):
            source, target = PROJECT / line[1:], folder / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
            else:
                shutil.copy(source, target)
    return folder


@pytest.mark.processes
def test_what_a_build_sees_suffices_for_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    seen = context(tmp_path / "context")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=seen, check=True, capture_output=True, timeout=PATIENCE)
    with zipfile.ZipFile(tmp_path / f"feishu_portal-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())

    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]["packages"]
    assert {f"{package}/__init__.py" for package in packages} <= names
    assert "feishu_portal/resources/locale/zh_Hans/LC_MESSAGES/django.mo" in names
    assert "feishu_portal/resources/static/portal/console.css" in names


def test_every_file_that_is_copied_is_seen(tmp_path: Path) -> None:
    seen = context(tmp_path)
    copied = re.search(r"^COPY (.*\.lock) \./$", TEXT, re.MULTILINE)

    assert copied
    assert [name for name in copied[1].split() if not (seen / name).is_file()] == []


def test_packages_are_installed_with_hashes_or_from_the_wheel() -> None:
    installs = re.findall(r"pip install (.*?)(?: \\)?$", TEXT, re.MULTILINE)

    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_process_is_nobody_in_particular_and_gets_the_signals() -> None:
    assert re.findall(r"^USER (.*)$", TEXT, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^ENTRYPOINT (.*)$", TEXT, re.MULTILINE) == ['["feishu-portal"]']
    assert "--uid 10001" in TEXT


def test_every_role_is_named_and_every_variable_known() -> None:
    first = " ".join(line[2:] for line in TEXT.splitlines()[:2])
    block = re.search(r"^ENV PATH=(?:.*\\\n)*.*$", TEXT, re.MULTILINE)
    assert block
    variables = set(re.findall(r"([A-Z_]+)=", block[0]))

    assert [role for role in ROLES if role != "demo" and role not in first] == []
    assert variables - FOREIGN_VARIABLES <= {variable.name for variable in SettingsTable.variables()}


@pytest.mark.skipif(
    os.environ.get("REQUIRE_DEPLOY", "") != "1", reason=".ci/run alone decides on which Python"
)
def test_image_has_the_python_on_which_the_suite_runs() -> None:
    python = re.search(r"^ARG PYTHON=(\d+)\.(\d+)-", TEXT, re.MULTILINE)

    assert python
    assert (int(python[1]), int(python[2])) == sys.version_info[:2]


def test_version_of_the_label_is_that_of_the_portal() -> None:
    assert f"ARG VERSION={__version__}\n" in TEXT
