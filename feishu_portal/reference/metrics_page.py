"""Writes the table of metrics into docs/reference/metrics.md and its Chinese page:
``DEBUG=on python -m feishu_portal.reference.metrics_page``.
"""

from importlib import import_module
from pathlib import Path
from typing import Final

from feishu.text import Text
from feishu_portal.reference.marked_pages import pages, table, write_with_django

MODULES: Final = (
    "feishu_portal.api.proxy.metrics",
    "feishu_portal.runtime.metrics.build",
    "feishu_portal.runtime.metrics.database_pool",
    "feishu_portal.runtime.metrics.tasks",
)
"""That declare metrics and are loaded by some processes alone. The others are loaded with their apps."""

_HEAD = [
    Text("指标", "metric"),
    Text("类型", "type"),
    Text("标签", "labels"),
    Text("来源", "source"),
    Text("说明", "meaning"),
]
_SOURCES = {True: Text("数据库", "database"), False: Text("进程", "process")}


def documents() -> dict[Path, str]:
    """The pages as they should be, by their paths. Django has to be set up."""
    for name in MODULES:
        import_module(name)
    return pages("reference/metrics", "metrics", _table)


def _table(language: str) -> str:
    from core.metrics.registry import DECLARATIONS  # noqa: PLC0415 -- needs Django

    return table(
        [name.in_language(language) for name in _HEAD],
        [
            [
                f"`{one.name}`",
                one.kind,
                " ".join(f"`{label}`" for label in one.labels),
                _SOURCES[one.is_read].in_language(language),
                one.help.in_language(language),
            ]
            for one in sorted(DECLARATIONS.values(), key=lambda one: one.name)
        ],
    )


if __name__ == "__main__":
    write_with_django(documents)
