"""Hatchling's hook: the wheel gets the compiled catalogue of translations in the place of its source."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polib
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CATALOGUE = "locale/zh_Hans/LC_MESSAGES/django"


class CompiledCatalogue(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        # In a folder of its own: a .mo beside the source would be taken for a current one.
        self.folder = TemporaryDirectory()
        compiled = Path(self.folder.name, "django.mo")
        polib.pofile(str(Path(self.root, f"{CATALOGUE}.po"))).save_as_mofile(str(compiled))
        build_data["force_include"][str(compiled)] = f"feishu_portal/resources/{CATALOGUE}.mo"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 -- the interface
        if self.target_name == "wheel" and version != "editable":
            self.folder.cleanup()
