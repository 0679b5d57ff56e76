"""Dashboards, rules and alerts name metrics that there are, with the labels that they have; and each metric is good for one."""

import re
from collections.abc import Iterable
from importlib import import_module

import yaml

from core.metrics.registry import DECLARATIONS, METRICS, Histogram
from deploy.grafana.dashboards import DASHBOARDS
from feishu_portal.reference.metrics_page import MODULES
from tests.deploy.prometheus import portal
from tests.deploy.prometheus.promtool import RULES

for module in MODULES:
    import_module(module)

RULES_READ = [
    rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
]
RECORDED = {rule["record"] for rule in RULES_READ if "record" in rule}
RULE_EXPRESSIONS = {
    f"{rule.get('alert') or rule['record']} {place}": rule["expr"] for place, rule in enumerate(RULES_READ)
}
PANEL_EXPRESSIONS = {
    f"{dashboard.name}: {panel.title.en_us}, {legend}": expression
    for dashboard in DASHBOARDS
    for row in dashboard.rows
    for panel in row
    for legend, expression in panel.queries.items()
}
EXPRESSIONS = RULE_EXPRESSIONS | PANEL_EXPRESSIONS
OF_A_TARGET = {"job", "instance"}
"""Labels that a scrape adds."""
SELECTOR = re.compile(r"\b(feishu_\w+)(?:\{([^}]*)\})?(?!\w*\")")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def declared(sample: str) -> str:
    """The metric that a sample is of: a histogram has three kinds."""
    base = re.sub(r"_(bucket|sum|count)$", "", sample)
    return base if base in DECLARATIONS and DECLARATIONS[base].kind == "histogram" else sample


def selectors(expression: str) -> Iterable[tuple[str, set[str]]]:
    """The metric of each selector and the labels that its matchers name."""
    for sample, matchers in SELECTOR.findall(expression):
        yield declared(sample), set(MATCHER.findall(matchers)) - OF_A_TARGET - {"le"}


def labels_of(metric: str) -> set[str]:
    return set(DECLARATIONS[metric].labels)


def test_expressions_name_metrics_and_labels_that_there_are() -> None:
    for name, expression in EXPRESSIONS.items():
        found = list(selectors(expression))
        assert [metric for metric, _ in found if metric not in DECLARATIONS] == [], name
        assert [(metric, labels) for metric, labels in found if not labels <= labels_of(metric)] == [], name
        grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")} - {
            ""
        }
        if "feishu:" not in expression:
            known = set().union(*(labels_of(metric) for metric, _ in found))
            assert grouped <= {"le"} | OF_A_TARGET | known, name


def test_recorded_series_that_are_asked_for_are_recorded() -> None:
    asked = {name for expression in EXPRESSIONS.values() for name in re.findall(r"feishu:[\w:]+", expression)}
    assert asked == RECORDED


def test_each_metric_is_shown_or_alerted_on() -> None:
    """A metric that nobody looks at costs a series in every process: show it, or drop it."""
    used = {metric for expression in EXPRESSIONS.values() for metric, _ in selectors(expression)}
    assert DECLARATIONS.keys() - used == set()


def test_series_that_rules_are_tested_with_are_the_products() -> None:
    known = {"up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}
    told: dict[str, set[str]] = {}
    for series in portal.well():
        name, _, labels = series.partition("{")
        told.setdefault(declared(name), set()).update(MATCHER.findall(labels))
    assert told.keys() - known == DECLARATIONS.keys()
    assert {
        metric: labels - OF_A_TARGET - {"le"} for metric, labels in told.items() if metric not in known
    } == {metric: labels_of(metric) for metric in DECLARATIONS}


def test_buckets_that_rules_ask_for_are_there() -> None:
    for expression in EXPRESSIONS.values():
        for sample, matchers in SELECTOR.findall(expression):
            if bound := re.search(r'le="([^"]+)"', matchers):
                histogram = METRICS[declared(sample)]
                assert isinstance(histogram, Histogram)
                assert float(bound[1]) in histogram._upper_bounds
