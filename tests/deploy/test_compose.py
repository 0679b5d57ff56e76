"""The compose files: valid by the specification's schema, and about roles, settings and secrets that exist."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml

from feishu_portal.command_line import ROLES
from feishu_portal.database_url import database_url
from feishu_portal.settings_table import SettingsTable
from feishu_portal.validators import fernet_keys
from tests.deploy.programs import PATIENCE, complaints
from tests.services.processes import PROJECT

FOLDER = PROJECT / "deploy/compose"
FILES = ("compose.yaml", "compose.single.yaml")
VARIABLES = {variable.name for variable in SettingsTable.variables()}
OF_UVICORN = {"FORWARDED_ALLOW_IPS", "UVICORN_LIMIT_CONCURRENCY"}


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return content


def portals(name: str) -> dict[str, dict[str, Any]]:
    """The services that run the portal's image."""
    return {key: one for key, one in read(name)["services"].items() if "feishu-portal" in one["image"]}


@pytest.mark.processes
@pytest.mark.parametrize("name", FILES)
def test_file_meets_the_compose_specification(name: str) -> None:
    schema = "vendor.compose-spec"

    assert complaints("check-jsonschema", "--builtin-schema", schema, str(FOLDER / name)) == ""


def test_all_processes_run_and_migrations_before_them() -> None:
    services = portals("compose.yaml")
    processes = set(ROLES) - {"demo", "portal"}

    assert set(services) == processes | {"migrate"}
    assert {name: services[name]["command"] for name in processes} == {name: [name] for name in processes}
    for name in processes:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["beat"]["deploy"]["replicas"] == 1


@pytest.mark.parametrize("name", FILES)
def test_every_variable_is_a_setting_and_every_secret_a_file(name: str) -> None:
    top = read(name)
    for service in portals(name).values():
        for variable, value in service["environment"].items():
            assert variable.removesuffix("_FILE") in VARIABLES | OF_UVICORN
            if variable.endswith("_FILE"):
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"]
                assert secret in top["secrets"]
        plain = set(service["environment"])
        assert not plain & {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "EMAIL_URL"}


@pytest.mark.parametrize("name", FILES)
def test_every_process_can_tell_people_of_another_that_is_dead(name: str) -> None:
    """Whichever is left finds it and sends the notices (``feishu_portal.runtime.pulse``): by e-mail, and over the platform."""
    services = {key: one for key, one in portals(name).items() if key != "migrate"}

    assert len({frozenset(one["secrets"]) for one in services.values()}) == 1
    assert [
        key
        for key, one in services.items()
        if not {"EMAIL_URL_FILE", "DEFAULT_FROM_EMAIL", "PUBLIC_URL"} <= set(one["environment"])
    ] == []
    assert [key for key, one in services.items() if "outside" not in one.get("networks", ["outside"])] == []


@pytest.mark.parametrize("name", FILES)
def test_portal_writes_to_its_volume_and_tmp_alone(name: str) -> None:
    for service in portals(name).values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert [volume.partition(":")[2] for volume in service["volumes"]] == ["/data"]


@pytest.mark.parametrize("name", FILES)
def test_every_service_has_a_bound_and_a_way_back(name: str) -> None:
    for key, service in read(name)["services"].items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, key
        assert service["restart"] == ("no" if key == "migrate" else "unless-stopped"), key


def test_uvicorn_takes_the_bound_of_a_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in portals("compose.yaml")["web"]["environment"].items():
        if variable in OF_UVICORN:
            monkeypatch.setenv(variable, value)
    options = uvicorn.main.make_context("web", ["portal:application"], auto_envvar_prefix="UVICORN").params

    assert options["limit_concurrency"] == 600


def test_database_and_redis_are_reached_from_inside_alone() -> None:
    top = read("compose.yaml")
    published = {name for name, service in top["services"].items() if "ports" in service}

    assert published == {"proxy"}
    assert top["networks"]["backend"] == {"internal": True}
    assert {name: top["services"][name]["networks"] for name in ("postgres", "redis")} == {
        "postgres": ["backend"],
        "redis": ["backend"],
    }


@pytest.mark.parametrize("name", FILES)
def test_every_variable_of_the_operator_is_in_the_sample(name: str) -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (FOLDER / name).read_text()))
    offered = set(re.findall(r"^#?([A-Z_]+)=", (FOLDER / ".env.sample").read_text(), re.MULTILINE))

    assert asked <= offered


@pytest.mark.processes
def test_secrets_are_made_once_and_are_of_use(tmp_path: Path) -> None:
    script = Path(shutil.copy(FOLDER / "make-secrets", tmp_path))

    def made() -> dict[str, str]:
        subprocess.run([str(script)], check=True, capture_output=True, timeout=PATIENCE)
        return {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}

    secrets = made()
    assert made() == secrets
    assert set(secrets) == set(read("compose.yaml")["secrets"])
    assert fernet_keys(secrets["encryption_keys"])
    assert len(secrets["secret_key"]) >= 50, "Django's check security.W009 asks for as many"
    assert database_url(secrets["database_url"]) == secrets["database_url"]
    assert f":{secrets['database_password']}@postgres:" in secrets["database_url"]
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
