"""The version stands in core/__init__.py, and everything that names it agrees; so do the places that name Pythons and Djangos."""

import re
import tomllib
from datetime import date

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from core import __version__
from tests import versions
from tests.services.processes import PROJECT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
HEADING = re.compile(r"^## \[([^]]+)\](?: – (.+))?$", re.MULTILINE)
NAMED = re.compile(
    r"feishu-portal:(\d[\w.]*)|feishu_portal-(\d[\w.]*?)-py3|^(?:appVersion|version): (\S+)$", re.MULTILINE
)
"""Tags of the image, names of the wheel, and the chart."""


def test_changelog_begins_with_this_version_and_goes_back_in_time() -> None:
    headings = HEADING.findall((PROJECT / "CHANGELOG.md").read_text())
    numbers = [Version(version) for version, _ in headings]
    dates = [date.fromisoformat(day) for _, day in headings if day != "Unreleased"]

    assert headings[0][0] == __version__
    assert numbers == sorted(set(numbers), reverse=True)
    assert dates == sorted(dates, reverse=True)
    assert len(dates) >= len(headings) - 1, "only the first may be unreleased"


@pytest.mark.parametrize(
    "name",
    [
        "deploy/compose/compose.yaml", "deploy/compose/compose.single.yaml", "deploy/compose/.env.sample",
        "deploy/helm/feishu-portal/Chart.yaml", "docs/how-to/install.md", "docs/how-to/install.zh.md",
    ],
)  # fmt: skip
def test_whatever_names_the_version_names_this_one(name: str) -> None:
    found = {"".join(groups) for groups in NAMED.findall((PROJECT / name).read_text())}

    assert found == {__version__}


def test_every_supported_python_is_a_classifier_and_the_others_are_not_installed_on() -> None:
    pythons = versions.supported_pythons()
    requires = SpecifierSet(PYPROJECT["project"]["requires-python"])

    assert pythons == sorted(pythons, key=Version)
    assert [python for python in pythons if python not in requires] == []
    lowest = Version(pythons[0])
    assert f"{lowest.major}.{lowest.minor - 1}" not in requires


def test_tools_look_at_the_code_as_the_oldest_python_does() -> None:
    oldest = versions.supported_pythons()[0]

    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--python-version {oldest} " in (PROJECT / "Makefile").read_text()


def test_the_image_and_make_take_a_supported_python() -> None:
    pythons = versions.supported_pythons()
    image = re.search(
        r"^ARG PYTHON=(\d+\.\d+)", (PROJECT / "deploy/docker/Dockerfile").read_text(), re.MULTILINE
    )
    made_with = re.search(r"^PYTHONS \?= python3 (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)

    assert image
    assert image[1] in pythons
    assert made_with
    assert made_with[1].split() == [f"python{python}" for python in reversed(pythons)]


def test_every_supported_django_is_a_classifier() -> None:
    [django] = [
        requirement
        for requirement in map(Requirement, PYPROJECT["project"]["dependencies"])
        if requirement.name == "django"
    ]
    series = re.findall(r"Framework :: Django :: (\S+)", "\n".join(PYPROJECT["project"]["classifiers"]))

    assert versions.lowest_django() in series
    assert [one for one in series if one not in django.specifier] == []
