"""Checking rules with promtool, which Debian's package ``prometheus`` has."""

import json
from pathlib import Path
from typing import Any

from tests.deploy.programs import complaints
from tests.services.processes import PROJECT

HOME = PROJECT / "deploy" / "prometheus"
RULES = sorted((HOME / "rules").glob("*.yml"))


def promtool(*arguments: object) -> None:
    """Fails with what promtool says."""
    assert complaints("promtool", *map(str, arguments)) == ""


def run_rule_tests(folder: Path, *, rule_files: list[Path], tests: list[dict[str, Any]]) -> None:
    """``promtool test rules`` with these tests, in promtool's words."""
    path = folder / "tests.yml"
    content = {"rule_files": list(map(str, rule_files)), "evaluation_interval": "15s", "tests": tests}
    path.write_text(json.dumps(content))  # which is YAML as well
    promtool("test", "rules", path)
