import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.services.processes import PROJECT

LOCKS = {"requirements.lock": (), "requirements-dev.lock": ("dev",), "requirements-docs.lock": ("docs",)}
"""Each lock file, and the groups of pyproject.toml that it is made of."""
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*)", re.MULTILINE
)


def pins(lock: str) -> dict[str, str]:
    """Name to version, of everything pinned in the lock file."""
    return {
        canonicalize_name(name): version for name, version, _ in ENTRY.findall((PROJECT / lock).read_text())
    }


def wanted(lock: str) -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    # The site is built without the portal.
    lines = [] if lock == "requirements-docs.lock" else list(project["project"]["dependencies"])
    for group in LOCKS[lock]:
        lines += project["dependency-groups"][group]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_pinned_within_the_bounds_of_pyproject(lock: str) -> None:
    pinned = pins(lock)

    for requirement in wanted(lock):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is missing in {lock}: run `make lock`"
        assert Version(version) in requirement.specifier, (
            f"{requirement} is not met in {lock}: run `make lock`"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    entries = ENTRY.findall((PROJECT / lock).read_text())

    assert entries
    assert [name for name, _, hashes in entries if "--hash=sha256:" not in hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_pin_names_an_address(lock: str) -> None:
    assert "://" not in (PROJECT / lock).read_text()


def test_tests_run_on_the_versions_that_production_runs_on() -> None:
    development = pins("requirements-dev.lock").items()

    assert pins("requirements.lock").items() - development == set()


def test_tools_of_the_site_change_no_version_that_is_installed() -> None:
    others, docs = pins("requirements-dev.lock"), pins("requirements-docs.lock")

    assert {name: others[name] for name in others.keys() & docs.keys() if others[name] != docs[name]} == {}
