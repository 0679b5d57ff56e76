"""Panels and dashboards as Grafana's JSON, and the expressions that most panels ask.

Numbers of the database are asked with ``max``, since every process tells the same; what processes count is added up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from feishu.text import Text

BOT: Final = 'bot=~"$bot"'
"""The bot that is chosen at the top of a dashboard."""
LANGUAGES: Final = ("en", "zh")
"""Each with a folder of dashboards of its own."""
WIDTH: Final = 24
"""Columns of Grafana's grid."""
STAT_HEIGHT: Final = 4
GRAPH_HEIGHT: Final = 8
SCHEMA: Final = 39
"""The oldest schema of Grafana 11; newer ones read it."""
GREEN, AMBER, RED = "green", "orange", "red"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """``queries``: expressions by their legend. ``limits``: from where on a value is amber and red; None for a value that is
    neither good nor bad. ``is_number``: the latest value in large, and not a graph."""

    title: Text
    description: Text
    unit: str
    queries: dict[str, str]
    limits: tuple[float | None, float | None] = (None, None)
    width: int = 8
    is_number: bool = False
    is_stacked: bool = False

    @property
    def height(self) -> int:
        return STAT_HEIGHT if self.is_number else GRAPH_HEIGHT

    def written(self, number: int, x: int, y: int, language: str) -> dict[str, Any]:
        custom = {
            "fillOpacity": 20 if self.is_stacked else 5,
            "stacking": {"mode": "normal" if self.is_stacked else "none"},
            "thresholdsStyle": {"mode": "off" if self.limits == (None, None) else "dashed"},
        }
        number_options = {
            "colorMode": "value",
            "graphMode": "area",
            "reduceOptions": {"calcs": ["lastNotNull"]},
        }
        graph_options = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
        return {
            "id": number,
            "type": "stat" if self.is_number else "timeseries",
            "title": self.title.in_language(language),
            "description": self.description.in_language(language),
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {
                "defaults": {
                    "unit": self.unit,
                    "min": 0,
                    "color": {"mode": "thresholds" if self.is_number else "palette-classic"},
                    "thresholds": {"mode": "absolute", "steps": list(self._steps())},
                    "custom": {} if self.is_number else custom,
                },
                "overrides": [],
            },
            "options": number_options if self.is_number else graph_options,
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": SOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                }
                for place, (legend, expression) in enumerate(self.queries.items())
            ],
        }

    def _steps(self) -> Iterator[dict[str, Any]]:
        yield {"color": GREEN, "value": None}
        for color, limit in zip((AMBER, RED), self.limits, strict=True):
            if limit is not None:
                yield {"color": color, "value": limit}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``rows``: panels beside each other, which together are at most as wide as the grid."""

    name: str
    title: Text
    rows: Sequence[Sequence[Panel]]

    def written(self, language: str) -> dict[str, Any]:
        panels: list[dict[str, Any]] = []
        y = 0
        for row in self.rows:
            x = 0
            for panel in row:
                panels.append(panel.written(len(panels) + 1, x, y, language))
                x += panel.width
            y += max(panel.height for panel in row)
        return {
            "uid": f"feishu-{self.name}-{language}",
            "title": self.title.in_language(language),
            "tags": [f"feishu-portal-{language}"],
            "schemaVersion": SCHEMA,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {"list": list(_variables(language))},
            "links": [
                {
                    "type": "dashboards",
                    "tags": [f"feishu-portal-{language}"],
                    "title": "",
                    "asDropdown": False,
                    "includeVars": True,
                    "keepTime": True,
                }
            ],
            "panels": panels,
        }


def _variables(language: str) -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": Text("数据源", "Data source").in_language(language),
    }
    query = 'label_values({__name__=~"feishu_connections|feishu_events_received_total"}, bot)'
    yield {
        "name": "bot",
        "type": "query",
        "label": Text("机器人", "Bot").in_language(language),
        "datasource": SOURCE,
        "query": {"query": query, "refId": "bot"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def rate(counter: str, *labels: str, matchers: str = "") -> str:
    """Per second, by ``labels``."""
    return f"sum by ({', '.join(labels)}) (rate({counter}{{{matchers}}}[$__rate_interval]))"


def quantile(share: float, histogram: str, *labels: str, matchers: str = "") -> str:
    by = ", ".join(("le", *labels))
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket{{{matchers}}}[$__rate_interval])))"


def known(gauge: str, *labels: str, matchers: str = "") -> str:
    """What the database knows, of which each process tells the same."""
    return f"max by ({', '.join(labels)}) ({gauge}{{{matchers}}})"


def total(gauge: str, label: str, matchers: str) -> str:
    return f"sum({known(gauge, label, matchers=matchers)})"


def number(zh: str, en: str, says: Text, expression: str, unit: str = "short", **more: Any) -> Panel:
    return Panel(
        Text(zh, en), says, unit, {"": expression}, is_number=True, width=more.pop("width", 4), **more
    )


def graph(zh: str, en: str, says: Text, unit: str, queries: dict[str, str], **more: Any) -> Panel:
    return Panel(Text(zh, en), says, unit, queries, **more)
