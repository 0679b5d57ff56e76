import itertools
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.services.processes import PROJECT

IMAGE = "deploy/docker/image.lock"
"""With the extras."""
OF_THE_PORTAL = {"requirements.lock": (), "requirements-dev.lock": ("dev",), IMAGE: ()}
OF_TOOLS = {
    "requirements-docs.lock": ("docs",),
    "requirements-deploy.lock": ("deploy",),
    "requirements-release.lock": ("release",),
    "deploy/docker/build.lock": ("build",),
}
"""Without the portal's own dependencies."""
LOCKS = OF_THE_PORTAL | OF_TOOLS
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
    lines = list(project["project"]["dependencies"]) if lock in OF_THE_PORTAL else []
    if lock == IMAGE:
        lines += itertools.chain.from_iterable(project["project"]["optional-dependencies"].values())
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


@pytest.mark.parametrize("lock", ["requirements.lock", IMAGE])
def test_tests_run_on_the_versions_that_production_runs_on(lock: str) -> None:
    development = pins("requirements-dev.lock").items()

    assert pins(lock).items() - development == set()


@pytest.mark.parametrize("lock", OF_TOOLS)
def test_tools_change_no_version_that_is_installed(lock: str) -> None:
    tools = pins(lock)
    for other in sorted(LOCKS.keys() - {lock}):
        others = pins(other)
        assert {name for name in others.keys() & tools.keys() if others[name] != tools[name]} == set(), other


def test_the_image_is_built_with_what_the_wheel_asks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    asked = {Requirement(line).name for line in project["build-system"]["requires"]}

    assert asked == set(project["dependency-groups"]["build"])
