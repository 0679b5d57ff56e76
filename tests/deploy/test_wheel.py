"""The wheel: what is in it, and that it runs where there is no checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import httpx2
import pytest

from core import __version__
from tests.deploy.programs import PATIENCE
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ManagedProcess

pytest.importorskip("hatchling")
pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

PACKAGES = set(tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["mypy"]["files"])
METADATA = f"feishu_portal-{__version__}.dist-info"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the source archive and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True, timeout=PATIENCE)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return distributions / f"feishu_portal-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``feishu-portal`` in a virtual environment that sees the libraries of this one, and no checkout."""
    folder = tmp_path_factory.mktemp("venv")
    make = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(make, check=True, timeout=PATIENCE)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, str(wheel)], check=True, timeout=PATIENCE)
    [packages] = folder.glob("lib/python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "libraries.pth").write_text("\n".join(sorted(libraries | set(_added_paths()))))
    return folder / "bin" / "feishu-portal"


def _added_paths() -> list[str]:
    """Other folders with libraries of this environment."""
    return [path for path in sys.path if path.endswith("-packages") and Path(path).is_dir()]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of somebody who has just installed the wheel."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "LANG": "C.UTF-8",
    }


@pytest.fixture
def work_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in names(wheel)} == PACKAGES | {METADATA}


def test_wheel_holds_every_module_template_and_static_file(wheel: Path) -> None:
    modules = {path.relative_to(PROJECT) for one in PACKAGES for path in (PROJECT / one).rglob("*.py")}
    resources = Path("feishu_portal/resources")
    for folder in ("templates", "static/portal"):
        files = (path for path in (PROJECT / folder).rglob("*") if path.is_file())
        modules |= {resources / path.relative_to(PROJECT) for path in files}

    assert {path.as_posix() for path in modules} - names(wheel) == set()


def test_wheel_holds_the_compiled_catalogue_in_the_place_of_its_source(wheel: Path) -> None:
    catalogues = {name for name in names(wheel) if "/locale/" in name}

    assert catalogues == {"feishu_portal/resources/locale/zh_Hans/LC_MESSAGES/django.mo"}


def test_neither_archive_holds_tests_data_or_secrets(distributions: Path, wheel: Path) -> None:
    with tarfile.open(distributions / f"feishu_portal-{__version__}.tar.gz") as opened:
        source = {name.partition("/")[2] for name in opened.getnames()}
    unwanted = re.compile(
        r"(^|/)(tests|bench|data|\.venv|node_modules|__pycache__|\.ci)/|\.sqlite3|\.env$|\.pyc$|_key$"
    )

    assert {"pyproject.toml", "hatch_build.py", "manage.py", "requirements.lock"} <= source
    assert [name for name in (source | names(wheel)) if unwanted.search(name)] == []


def run(
    program: Path, *arguments: str, environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [str(program), *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_demo_serves_a_styled_page_in_chinese_and_keeps_its_data_with_the_user(
    program: Path, environment: dict[str, str], work_folder: Path, tmp_path: Path
) -> None:
    port, sandbox_port = free_port(), free_port()
    arguments = ["--port", str(port), "--sandbox-port", str(sandbox_port)]
    demo = ManagedProcess(
        [str(program), "demo", *arguments], environment=environment, log=tmp_path / "log", folder=work_folder
    )
    try:
        demo.wait_for(r"Feishu Portal is running", seconds=PATIENCE)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as browser:
            page = browser.get("/admin/login/", headers={"Accept-Language": "zh-CN"})
            sheets = re.findall(r'<link[^>]+href="(/static/[^"]+\.css)"', page.text)
            answers = [browser.get(sheet) for sheet in sheets]
        sandbox = httpx2.get(f"http://127.0.0.1:{sandbox_port}/", trust_env=False, timeout=60)

        assert "登录" in page.text
        assert any("portal/console" in sheet for sheet in sheets)
        assert {
            (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) for answer in answers
        } == {(200, "text/css")}
        assert sandbox.status_code == 200
        assert "Traceback" not in demo.output
        assert demo.stop(seconds=PATIENCE) == 0
    finally:
        demo.kill()
    assert (tmp_path / "share" / "feishu-portal" / "portal.sqlite3").is_file()
    assert list(work_folder.iterdir()) == []


def test_commands_of_production_ask_for_keys(
    program: Path, environment: dict[str, str], work_folder: Path
) -> None:
    refused = run(program, "migrate", environment=environment, folder=work_folder)

    assert refused.returncode == 1
    assert refused.stderr.startswith("SECRET_KEY is not set.")


def test_check_finds_nothing_missing_in_the_wheel(
    program: Path, environment: dict[str, str], work_folder: Path
) -> None:
    checked = run(
        program,
        "check",
        "--fail-level",
        "WARNING",
        environment=environment | {"DEBUG": "on"},
        folder=work_folder,
    )

    assert checked.returncode == 0, checked.stderr


def test_relative_paths_count_from_the_working_folder(
    program: Path, environment: dict[str, str], work_folder: Path
) -> None:
    (work_folder / ".env").write_text("DEBUG=on\nDATA_DIR=here\n")
    checked = run(program, "check", environment=environment, folder=work_folder)

    assert checked.returncode == 0, checked.stderr
    assert (work_folder / "here").is_dir()
