"""The lists that a release carries have what its locks have: the tool makes them here as ``make release-check`` does."""

import json
import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from core import __version__
from deploy.release.make import SBOM_OF_LOCK, write_sbom
from tests.deploy.programs import program
from tests.project.test_locks import ENTRY
from tests.services.processes import PROJECT

HASH = re.compile(r"sha256:([0-9a-f]{64})")


@pytest.mark.processes
@pytest.mark.parametrize("lock", SBOM_OF_LOCK)
def test_each_locked_package_is_listed_with_its_version_and_hashes(lock: str, tmp_path: Path) -> None:
    program("cyclonedx-py")
    write_sbom(PROJECT / lock, tmp_path / "sbom.cdx.json")

    sbom = json.loads((tmp_path / "sbom.cdx.json").read_text())
    component = sbom["metadata"]["component"]
    assert (sbom["bomFormat"], component["name"], component["version"]) == (
        "CycloneDX",
        "feishu-portal",
        __version__,
    )
    listed = {
        (one["name"], one["version"], one["purl"]): {
            each["content"] for place in one["externalReferences"] for each in place.get("hashes", ())
        }
        for one in sbom["components"]
    }
    assert listed == {
        (name, version, f"pkg:pypi/{canonicalize_name(name)}@{version}"): set(HASH.findall(hashes))
        for name, version, hashes in ENTRY.findall((PROJECT / lock).read_text())
    }
    assert not {"serialNumber", "timestamp"} & {*sbom, *sbom["metadata"]}, "no two would be the same"
