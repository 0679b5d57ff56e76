"""Writes the table of metrics into docs/metrics.md: ``DEBUG=on python -m feishu_portal.metrics_docs``."""

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
MODULES: Final = (
    "feishu_portal.api.proxy.metrics",
    "feishu_portal.runtime.metrics.build",
    "feishu_portal.runtime.metrics.tasks",
)
"""That declare metrics and are loaded by some processes alone. The others are loaded with their apps."""

_PLACE = re.compile(r"(?<=<!-- metrics -->\n).*?(?=<!-- /metrics -->)", re.DOTALL)
_HEAD = "| metric | type | labels | source | meaning | 说明 |\n|---|---|---|---|---|---|"


def page() -> str:
    """The page as it should be. Django has to be set up."""
    for name in MODULES:
        import_module(name)
    from core.metrics.registry import DECLARATIONS  # noqa: PLC0415 -- needs Django

    rows = [_HEAD]
    for declaration in sorted(DECLARATIONS.values(), key=lambda one: one.name):
        labels = " ".join(f"`{label}`" for label in declaration.labels)
        source = "database" if declaration.is_read else "process"
        cells = (
            f"`{declaration.name}`",
            declaration.kind,
            labels,
            source,
            declaration.help.en_us,
            declaration.help.zh_cn,
        )
        rows.append("".join(f"| {cell} " if cell else "| " for cell in cells) + "|")
    table = "\n".join(rows) + "\n"
    return _PLACE.sub(lambda _old: table, PAGE.read_text(encoding="utf-8"))


def main() -> None:
    import django  # noqa: PLC0415 -- for the command alone

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
    django.setup()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
