"""What is installed with the portal may be passed on with it under its own licence, MIT."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tests.services.processes import PROJECT

PERMISSIVE = re.compile(
    r"\b(?:MIT(?:-0)?|BSD|Apache|ISC|PSF-2\.0|Unlicense|Zlib|Mozilla Public License 2\.0|MPL-2\.0)\b"
)
"""MPL's copyleft is for its own files, which are passed on as they are."""
RESTRICTIVE = re.compile(
    r"\b(?:A?GPL|LGPL|SSPL|BUSL|EUPL|Commons Clause)|GNU|Business Source|Proprietary", re.IGNORECASE
)
LINKED = {"psycopg", "psycopg-binary", "psycopg-pool"}
"""LGPL-3.0-only: imported unmodified from packages of their own, which an operator can replace."""


def licence_of(found: Distribution) -> str:
    """What the package declares: its licence expression, else the classifiers, else the free text's first line."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    return "; ".join(classifiers) or metadata.get("License", "").partition("\n")[0]


def test_no_licence_asks_more_of_those_who_pass_the_portal_on() -> None:
    names = re.findall(
        r"^([A-Za-z0-9._-]+)==", (PROJECT / "deploy/docker/image.lock").read_text(), re.MULTILINE
    )
    refused = {}
    seen = 0
    for name in names:
        try:
            licence = licence_of(distribution(name))
        except PackageNotFoundError:
            continue  # for other systems or Pythons
        seen += 1
        if name not in LINKED and (RESTRICTIVE.search(licence) or not PERMISSIVE.search(licence)):
            refused[name] = licence

    assert refused == {}
    assert seen > 0.9 * len(names)
