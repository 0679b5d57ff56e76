"""Each alert fires for its cause, alone and in time, and is quiet beside it: promtool plays it on a portal of two hosts."""

import re
from typing import Any, Final

import pytest
import yaml

from tests.deploy.prometheus.promtool import HOME, RULES, promtool, run_rule_tests
from tests.deploy.prometheus.scenarios import SCENARIOS, SOON

ALERTS: Final = [
    rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]

PARTS: Final = 8
"""In which promtool plays the scenarios, so that several can be played at a time."""


def key(rule: dict[str, Any]) -> tuple[str, str]:
    return rule["alert"], rule["labels"]["severity"]


def test_configuration_and_rules_are_what_prometheus_takes():
    promtool("check", "config", HOME / "prometheus.yml")
    promtool("check", "rules", *RULES)


@pytest.mark.processes
@pytest.mark.parametrize("part", range(PARTS))
def test_alerts_fire_for_their_causes_alone_and_are_quiet_beside_them(part, tmp_path):
    run_rule_tests(
        tmp_path, rule_files=RULES, tests=[scenario.played() for scenario in SCENARIOS[part::PARTS]]
    )


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: "-".join(key(rule)))
def test_each_alert_has_a_scenario_in_which_it_fires_and_one_in_which_it_is_quiet(rule):
    firing = [
        labels for scenario in SCENARIOS for *alert, labels in scenario.fires if tuple(alert) == key(rule)
    ]
    assert firing
    assert any(scenario.quiet == key(rule) for scenario in SCENARIOS)
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert all(used <= labels.keys() for labels in firing), (
        "an annotation names a label that the alert does not have"
    )


@pytest.mark.parametrize(
    "rule", [rule for rule in ALERTS if key(rule)[1] == "critical"], ids=lambda rule: rule["alert"]
)
def test_whoever_is_to_get_up_is_woken_within_two_minutes(rule):
    assert any(
        scenario.at <= SOON and key(rule) == tuple(alert)
        for scenario in SCENARIOS
        for *alert, _labels in scenario.fires
    )


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: "-".join(key(rule)))
def test_each_alert_says_in_both_languages_what_is_the_matter_and_where_to_read_on(rule):
    said = rule["annotations"]
    assert said.keys() == {"summary", "summary_zh", "description", "description_zh", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    for name in ("summary", "description"):
        assert re.search(r"[\u4e00-\u9fff]", said[f"{name}_zh"])
        assert not re.search(r"[\u4e00-\u9fff]", said[name])
    assert said["runbook_url"] == f"{{{{ $externalLabels.feishu_docs }}}}/runbooks/{rule['alert']}.html"
