"""The systemd units: verified by systemd itself, and about roles and settings that exist."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from feishu_portal.command_line import ROLES
from feishu_portal.settings_table import SettingsTable
from tests.deploy.programs import complaints
from tests.services.processes import PROJECT

FOLDER = PROJECT / "deploy/systemd"
PROCESSES = sorted(set(ROLES) - {"demo", "portal"})
PROGRAM = "/opt/feishu-portal/bin/feishu-portal"
EXPOSURE = 20  # of 100, by systemd's own judgement


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they are installed, with a program that exists."""
    for path in FOLDER.iterdir():
        if path.suffix in {".service", ".target"}:
            text = path.read_text().replace(PROGRAM, sys.executable).replace("/opt/feishu-portal", "/")
            (tmp_path / path.name).write_text(text)
        elif path.suffix == ".d":
            shutil.copytree(path, tmp_path / path.name)
    for process in PROCESSES:
        (tmp_path / f"feishu-portal@{process}.service").write_bytes(
            (tmp_path / "feishu-portal@.service").read_bytes()
        )
    return tmp_path


@pytest.mark.processes
def test_systemd_finds_no_fault_in_the_units(units: Path) -> None:
    paths = [str(units / f"feishu-portal@{process}.service") for process in PROCESSES]
    others = [str(units / name) for name in ("feishu-portal-migrate.service", "feishu-portal.target")]
    places = {"SYSTEMD_UNIT_PATH": f"{units}:"}

    assert complaints("systemd-analyze", "verify", "--man=no", *paths, *others, environment=places) == ""


@pytest.mark.processes
@pytest.mark.parametrize("name", ["feishu-portal@web.service", "feishu-portal-migrate.service"])
def test_services_are_little_exposed(units: Path, name: str) -> None:
    threshold = EXPOSURE if name.endswith("web.service") else 3 * EXPOSURE
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={threshold}", str(units / name)]

    assert complaints(*command) == ""


def test_target_starts_every_process_of_production() -> None:
    wanted = re.findall(r"feishu-portal@(\w+)\.service", (FOLDER / "feishu-portal.target").read_text())

    assert sorted(wanted) == PROCESSES


def test_every_process_has_a_port_of_its_own_and_a_bound() -> None:
    texts = [(FOLDER / f"feishu-portal@{one}.service.d/10-role.conf").read_text() for one in PROCESSES]
    ports = {re.search(r"FEISHU_METRICS_PORT=(\d+)", text)[1] for text in texts}  # type: ignore[index]

    assert len(ports) == len(PROCESSES)
    assert all("MemoryMax=" in text for text in texts)


def test_command_has_the_secrets_of_the_services() -> None:
    """With fewer of them ``check --deploy`` would complain of what is set."""
    unit = (FOLDER / "feishu-portal@.service").read_text()
    command = (FOLDER / "feishu-portal-command").read_text()
    loaded = re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE)
    [exported] = re.findall(r"for name in ([A-Z_ ]+); do", command)

    assert re.findall(r"--property=LoadCredential=(\w+):", command) == loaded
    assert [name.lower() for name in exported.split()] == loaded


def test_settings_are_known_and_secrets_come_as_files() -> None:
    names = {variable.name for variable in SettingsTable.variables()}
    unit = (FOLDER / "feishu-portal@.service").read_text()
    given = dict(re.findall(r"([A-Z_]+)=(%d/\w+)", unit))
    sample = set(re.findall(r"^#?([A-Z_]+)=", (FOLDER / "portal.env.sample").read_text(), re.MULTILINE))

    of_others = {"UVICORN_HOST", "FORWARDED_ALLOW_IPS", "PYTHONPATH"}
    assert {name.removesuffix("_FILE") for name in given} | (sample - of_others) <= names
    assert {path.removeprefix("%d/") for path in given.values()} == set(
        re.findall(r"LoadCredential=(\w+):", unit)
    )
    assert not sample & {variable.name for variable in SettingsTable.variables() if variable.is_secret}
