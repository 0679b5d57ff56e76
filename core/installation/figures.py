"""Whether the portal is passive, as a metric: who watches a portal from outside must know that its rest is meant."""

from collections.abc import Sequence

from core.installation.state import Cause
from core.installation.watch import watch
from core.metrics.facts import Figures, by_label, database_gauge, read_together
from feishu.text import Text

_passive = database_gauge(
    "feishu_passive",
    Text(
        "门户处于被动模式的原因：成立者为 1；全部为 0 表示正常工作。setting 为 FEISHU_PASSIVE。",
        "Why the portal is passive: 1 for the cause that holds; an active portal has none. setting is FEISHU_PASSIVE.",
    ),
    "cause",
)


def _read_passive() -> Sequence[Figures]:
    found = watch.current().cause
    return (by_label({cause.value: cause == found for cause in Cause}),)


read_together(_passive, read=_read_passive)
