"""What runs: version and kind of process."""

from core import __version__
from core.metrics.registry import gauge
from feishu.text import Text

_build = gauge(
    "feishu_build_info",
    Text("恒为 1；标签为版本与进程类型。", "Always 1; the labels are the version and the kind of process."),
    "version",
    "process",
)


def tell_build(process: str) -> None:
    """``process``: web, runfeishu, worker, refresher, beat or runportal."""
    _build.labels(__version__, process).set(1)
