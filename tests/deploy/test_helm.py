"""The Helm chart: linted and rendered by Helm's own engine, each object held against Kubernetes' schemas."""

import os
import re
from typing import Any

import pytest
import yaml

from bots.streaming.service import MAX_SECONDS
from core import __version__
from feishu_portal.api.proxy.server import TOTAL_SECONDS
from feishu_portal.command_line import ROLES
from feishu_portal.settings_table import SettingsTable
from tests.services.processes import PROJECT

CHART = PROJECT / "deploy/helm/feishu-portal"
REQUIRED = {"host": "portal.example.com", "secret": {"existing": "portal"}}
EVERYTHING = REQUIRED | {
    "secret": {
        "existing": "portal",
        "keys": ["secret_key", "database_url"],
        "migrateDatabaseUrlKey": "direct_url",
    },
    "web": {"autoscaling": {"enabled": True}},
    "worker": {"autoscaling": {"enabled": True}},
    "ingress": {"enabled": True, "className": "nginx"},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
    "monitoring": {
        "podMonitor": True,
        "prometheusRule": True,
        "labels": {"release": "prometheus"},
        "docsUrl": "https://docs.example.com/portal/",
        "dashboards": "zh",
    },
    "networkPolicy": {"webFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
}
OF_OTHERS = ("gateway.networking.k8s.io", "monitoring.coreos.com")  # whose schemas Kubernetes does not have
PROCESSES = set(ROLES) - {"demo", "portal"}


@pytest.fixture(scope="module")
def helm() -> Any:
    if os.environ.get("REQUIRE_DEPLOY", "") != "1":
        pytest.importorskip("helm_python", reason="make deploy-tools installs it")
    import helm_python  # noqa: PLC0415 -- see above

    return helm_python


@pytest.fixture(scope="module")
def validate() -> Any:
    if os.environ.get("REQUIRE_DEPLOY", "") != "1":
        pytest.importorskip("kubernetes_validate", reason="make deploy-tools installs it")
    import kubernetes_validate  # noqa: PLC0415 -- see above

    return kubernetes_validate.validate


def render(helm: Any, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object of the chart with these values."""
    rendered = helm.Chart.load(str(CHART)).render(values, name="portal", namespace="feishu")
    texts = [text for path, text in rendered.items() if not path.endswith("NOTES.txt")]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Pod specifications by the name of their one container."""
    specs = [one["spec"]["template"]["spec"] for one in objects if "template" in one.get("spec", {})]
    return {spec["containers"][0]["name"]: spec for spec in specs}


@pytest.mark.parametrize("values", [REQUIRED, EVERYTHING], ids=["required", "everything"])
def test_helm_finds_no_fault(helm: Any, values: dict[str, Any]) -> None:
    report = helm.lint(str(CHART), values, strict=True)

    assert [message for message in report["messages"] if message["severity"] > 1] == []
    assert report["errors"] == []


@pytest.mark.parametrize("version", ["1.30", "1.34"])
@pytest.mark.parametrize("values", [REQUIRED, EVERYTHING], ids=["required", "everything"])
def test_every_object_meets_the_schema_of_kubernetes(
    helm: Any, validate: Any, values: dict[str, Any], version: str
) -> None:
    own = [one for one in render(helm, values) if not one["apiVersion"].startswith(OF_OTHERS)]
    for one in own:
        validate(one, version, strict=True)

    assert {"Deployment", "StatefulSet", "Job", "PodDisruptionBudget", "NetworkPolicy"} <= {
        one["kind"] for one in own
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "https://portal.example.com"},
        {"wbe": {}},
        {"web": {"replicas": "2"}},
        {"settings": {"time_zone": "UTC"}},
        {"monitoring": {"docsUrl": "docs.example.com"}},
        {"monitoring": {"dashboards": "fr"}},
    ],
    ids=str,
)
def test_wrong_values_are_refused(helm: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        helm.Chart.load(str(CHART)).validate_schema(REQUIRED | wrong)


@pytest.mark.parametrize("missing", ["host", "secret"])
def test_values_that_everybody_has_to_give_are_asked_for(helm: Any, missing: str) -> None:
    with pytest.raises(helm.HelmError, match=r"the host name of the portal|the name of a Secret"):
        render(helm, {name: value for name, value in REQUIRED.items() if name != missing})


def test_every_process_runs_as_nobody_on_a_file_system_it_cannot_write_to(helm: Any) -> None:
    found = pods(render(helm, REQUIRED))

    assert set(found) == PROCESSES | {"migrate"}
    for name, spec in found.items():
        [container] = spec["containers"]
        assert container["args"][0] == name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (
            True,
            10001,
        )
        assert spec["automountServiceAccountToken"] is False
        assert set(container["resources"]) == {"requests", "limits"}


def test_secrets_are_files_and_settings_known(helm: Any) -> None:
    names = {variable.name for variable in SettingsTable.variables()}
    secrets = {variable.name for variable in SettingsTable.variables() if variable.is_secret}
    for name, spec in pods(render(helm, REQUIRED)).items():
        given = {one["name"] for one in spec["containers"][0]["env"]}
        assert {one.removesuffix("_FILE") for one in given} - {
            "FORWARDED_ALLOW_IPS",
            "UVICORN_LIMIT_CONCURRENCY",
        } <= names
        assert not given & secrets
        assert ("FORWARDED_ALLOW_IPS" in given) == (name == "web")


def test_migrations_run_before_the_pods_and_past_a_pooler(helm: Any) -> None:
    objects = render(helm, EVERYTHING)
    [job] = [one for one in objects if one["kind"] == "Job"]
    files = {one["name"]: one.get("value") for one in pods(objects)["migrate"]["containers"][0]["env"]}

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert files["DATABASE_URL_FILE"] == "/run/secrets/portal/direct_url"


def test_one_scheduler_runs_and_answers_of_the_refresher_outlive_it(helm: Any) -> None:
    specs = {(one["kind"], one["metadata"]["name"]): one.get("spec") for one in render(helm, EVERYTHING)}
    beat, refresher = specs["Deployment", "portal-beat"], specs["StatefulSet", "portal-refresher"]

    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
    assert [one["metadata"]["name"] for one in refresher["volumeClaimTemplates"]] == ["data"]


def test_scaled_deployments_leave_their_number_to_the_autoscaler(helm: Any) -> None:
    workloads = {(one["kind"], one["metadata"]["name"]): one for one in render(helm, EVERYTHING)}

    for name in ("portal-web", "portal-worker"):
        assert "replicas" not in workloads["Deployment", name]["spec"]
        assert ("HorizontalPodAutoscaler", name) in workloads


def test_probes_ask_the_port_of_health(helm: Any) -> None:
    found = pods(render(helm, REQUIRED))
    for name in PROCESSES:
        [container] = found[name]["containers"]
        asked = {
            container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")
        }
        assert asked == {"metrics"}
        assert {"name": "metrics", "containerPort": 9090} in container["ports"]


def test_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_ways_in_pass_bodies_on_as_they_come_and_for_as_long_as_the_portal_takes_them(helm: Any) -> None:
    ways = {one["kind"]: one for one in render(helm, EVERYTHING)}
    annotations = ways["Ingress"]["metadata"]["annotations"]
    [rule] = ways["HTTPRoute"]["spec"]["rules"]

    for direction in ("proxy-buffering", "proxy-request-buffering"):
        assert annotations[f"nginx.ingress.kubernetes.io/{direction}"] == "off"
    assert int(rule["timeouts"]["request"].removesuffix("s")) > max(MAX_SECONDS, TOTAL_SECONDS)


def test_metric_that_workers_scale_by_exists() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    metric = values["worker"]["autoscaling"]["metric"]

    assert f"`{metric}`" in (PROJECT / "docs/reference/metrics.md").read_text()


def notes_with(helm: Any, values: dict[str, Any]) -> str:
    rendered = helm.Chart.load(str(CHART)).render(values, name="portal", namespace="feishu")
    notes: str = rendered["feishu-portal/templates/NOTES.txt"]
    return notes


@pytest.mark.parametrize(
    "open_policy", [{}, {"webFrom": [{"podSelector": {}}], "enabled": False}], ids=["nobody named", "off"]
)
def test_who_lets_the_whole_cluster_say_the_browsers_address_is_told(
    helm: Any, open_policy: dict[str, Any]
) -> None:
    told = [notes_with(helm, values) for values in (REQUIRED | {"networkPolicy": open_policy}, EVERYTHING)]

    for words in ("is believed about the browser's address", "来源地址会被信任"):
        assert [words in notes for notes in told] == [True, False]


def test_notes_are_in_both_languages(helm: Any) -> None:
    notes = notes_with(helm, REQUIRED)

    assert "https://portal.example.com/admin/" in notes
    assert re.search(r"The first operator 创建首个操作员", notes)


def test_rules_of_prometheus_come_with_the_chart(helm: Any) -> None:
    objects = render(helm, EVERYTHING)
    rules = [one for one in objects if one["kind"] == "PrometheusRule"]
    files = sorted((PROJECT / "deploy/prometheus/rules").glob("*.yml"))

    texts = [
        path.read_text().replace("{{ $externalLabels.feishu_docs }}", "https://docs.example.com/portal")
        for path in files
    ]
    assert [one["spec"] for one in rules] == [yaml.safe_load(text) for text in texts]
    assert "externalLabels" not in str(rules)
    assert all(one["metadata"]["labels"]["release"] == "prometheus" for one in rules)


def test_alerts_whose_runbooks_are_nowhere_are_refused(helm: Any) -> None:
    with pytest.raises(helm.HelmError, match=r"monitoring\.docsUrl: where the documentation site is"):
        render(helm, REQUIRED | {"monitoring": {"prometheusRule": True}})


def test_dashboards_come_in_the_language_asked_for(helm: Any) -> None:
    maps = [one for one in render(helm, EVERYTHING) if one["kind"] == "ConfigMap"]
    files = sorted((PROJECT / "deploy/grafana/zh").glob("*.json"))

    assert [one["data"] for one in maps] == [{f"feishu-{path.name}": path.read_text()} for path in files]
    assert {one["metadata"]["labels"]["grafana_dashboard"] for one in maps} == {"1"}
    assert "ConfigMap" not in {one["kind"] for one in render(helm, REQUIRED)}


def test_pods_are_scraped_as_the_jobs_that_the_rules_know(helm: Any) -> None:
    [monitor] = [one for one in render(helm, EVERYTHING) if one["kind"] == "PodMonitor"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    jobs = set()
    for role in PROCESSES:
        job = ""
        for rule in endpoint["relabelings"]:
            if re.fullmatch(rule.get("regex", "(.*)"), role):
                job = rule["replacement"].replace("$1", role)
        jobs.add(job)
    config = yaml.safe_load((PROJECT / "deploy/prometheus/prometheus.yml").read_text())

    assert jobs == {one["job_name"] for one in config["scrape_configs"]}
