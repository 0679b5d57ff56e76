"""What Grafana is given can be shown: rewritten from its description, laid out without overlaps, of queries that work."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboards import DASHBOARDS, HERE, documents
from deploy.grafana.panels import LANGUAGES, WIDTH
from tests.deploy.prometheus import portal
from tests.deploy.prometheus.promtool import RULES, promtool, run_rule_tests

WRITTEN = [(folder, dashboard.written(folder)) for folder in LANGUAGES for dashboard in DASHBOARDS]
QUERIES = [
    (f"{dashboard.name}: {panel.title.en_us}, {legend}", expression)
    for dashboard in DASHBOARDS
    for row in dashboard.rows
    for panel in row
    for legend, expression in panel.queries.items()
]
UNITS = {"short", "s", "ops", "opm", "reqps", "percentunit", "bytes"}
"""Those of Grafana that are used."""


def name_of(written: Any) -> str:
    folder, dashboard = written
    return f"{folder}-{dashboard['uid']}"


def test_files_are_current() -> None:
    said = "run python -m deploy.grafana.dashboards"
    assert {path: path.read_text() if path.exists() else "" for path in documents()} == documents(), said
    assert sorted(HERE.glob("*/*.json")) == sorted(documents()), "a file that no dashboard is written to"


def test_dashboards_are_told_apart_and_lead_to_those_of_their_language() -> None:
    assert len({dashboard["uid"] for _, dashboard in WRITTEN}) == len(WRITTEN)
    for folder, dashboard in WRITTEN:
        assert dashboard["tags"] == dashboard["links"][0]["tags"] == [f"feishu-portal-{folder}"]
        assert dashboard["links"][0]["includeVars"]
        assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "bot"]


@pytest.mark.parametrize("written", WRITTEN, ids=name_of)
def test_panels_lie_side_by_side_within_the_grid(written: Any) -> None:
    panels = written[1]["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= WIDTH
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below


@pytest.mark.parametrize("written", WRITTEN, ids=name_of)
def test_panel_says_what_it_shows_in_its_language_with_a_unit(written: Any) -> None:
    folder, dashboard = written
    for panel in dashboard["panels"]:
        for said in (panel["title"], panel["description"]):
            assert said
            assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (folder == "zh"), said
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] == {"color": "green", "value": None}
        assert panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_four_dashboards_have_many_panels() -> None:
    assert [dashboard.name for dashboard in DASHBOARDS] == ["overview", "connections", "events", "tokens"]
    assert sum(len(row) for dashboard in DASHBOARDS for row in dashboard.rows) >= 20


def test_provisioning_has_a_folder_for_each_language() -> None:
    sample = yaml.safe_load((HERE / "provisioning" / "feishu-portal.yaml").read_text())
    assert {provider["options"]["path"].rpartition("/")[2] for provider in sample["providers"]} == set(
        LANGUAGES
    )


@pytest.mark.processes
def test_every_query_finds_something_on_a_busy_portal(tmp_path) -> None:
    """Each is recorded as a rule would be, so that promtool reads and evaluates it; all that is shown has a value."""
    asked = [expression.replace("$__rate_interval", "1m").replace("$bot", ".*") for _, expression in QUERIES]
    rules = [{"record": f"panel:{place}", "expr": expression} for place, expression in enumerate(asked)]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", path)
    found = [
        {
            "expr": f"label_replace(count(panel:{place}) > bool 0, 'panel', '{place}', '', '')",
            "eval_time": "6m",
            "exp_samples": [{"labels": f'{{panel="{place}"}}', "value": 1}],
        }
        for place in range(len(asked))
    ]
    series = [{"series": name, "values": values} for name, values in portal.well().items()]
    test = {"interval": f"{portal.STEP}s", "input_series": series, "promql_expr_test": found}
    run_rule_tests(tmp_path, rule_files=[*RULES, path], tests=[test])
