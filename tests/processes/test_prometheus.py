"""A real Prometheus scrapes a running portal: it knows every metric that is asked for, evaluates every rule and every query of
the dashboards, and finds nothing to alert on."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from deploy.grafana.dashboards import DASHBOARDS
from tests.deploy.programs import program
from tests.deploy.prometheus.promtool import HOME, RULES
from tests.services.ports import free_port
from tests.services.processes import wait_until
from tests.services.servers import Server

pytestmark = [pytest.mark.processes, pytest.mark.only_on("sqlite"), pytest.mark.timeout(600)]
PATIENCE = 200
"""Seconds, for a machine with other work."""


@pytest.fixture
def portal(managed_process, environment, bot, sandbox) -> str:
    """The address at which a portal in one process tells its metrics, with a bot that is connected."""
    port = free_port()
    del environment["REDIS_URL"]
    running = managed_process(
        "manage.py",
        "runportal",
        "--port",
        str(free_port()),
        "--metrics-port",
        str(port),
        environment=environment,
    )
    running.wait_for("connection_up")
    return f"127.0.0.1:{port}"


@pytest.fixture
def prometheus(portal: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Asks the HTTP API of a Prometheus with the configuration that is shipped, but for its targets and its pace."""
    configuration = yaml.safe_load((HOME / "prometheus.yml").read_text())
    del configuration["alerting"]
    configuration["global"] |= {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "2s"}
    configuration["rule_files"] = list(map(str, RULES))
    configuration["scrape_configs"] = [
        {"job_name": "feishu-runportal", "static_configs": [{"targets": [portal]}]}
    ]
    directory = tmp_path / "prometheus"
    directory.mkdir()
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    client = httpx2.Client(base_url=f"http://{address}", trust_env=False, timeout=60)

    def ask(path: str, **parameters: str) -> Any:
        answer = client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def is_ready() -> bool:
        try:
            return client.get("/-/ready").is_success
        except httpx2.TransportError:
            return False

    server = Server(directory)
    command = [
        program("prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with client:
        server.launch(command, ready=is_ready, seconds=PATIENCE, identity={})
        yield ask
        server.stop()


def metrics_asked_for() -> set[str]:
    texts = [path.read_text() for path in RULES]
    texts += [
        text for one in DASHBOARDS for row in one.rows for panel in row for text in panel.queries.values()
    ]
    return set(re.findall(r"\b(feishu_\w+?)(?:_bucket|_count|_sum)?(?=[^\w:])", " ".join(texts))) - {
        "feishu_docs"
    }


def test_running_portal_answers_all_that_is_asked_and_gives_no_cause_for_alarm(prometheus) -> None:
    def untold() -> set[str]:
        return metrics_asked_for() - prometheus("metadata").keys()

    # The database's figures may come with the second scrape only.
    wait_until(lambda: not untold(), what="all metrics", seconds=PATIENCE)

    def rules() -> list[dict[str, Any]]:
        return [rule for group in prometheus("rules")["groups"] for rule in group["rules"]]

    wait_until(
        lambda: all(rule["health"] != "unknown" for rule in rules()), what="evaluations", seconds=PATIENCE
    )
    assert [rule["name"] for rule in rules() if rule["health"] != "ok"] == []
    for dashboard in DASHBOARDS:
        for row in dashboard.rows:
            for panel in row:
                for expression in panel.queries.values():
                    asked = expression.replace("$__rate_interval", "1m").replace("$bot", ".*")
                    prometheus("query", query=asked)
    # Just after its start a portal has not made its passes; then nothing is even pending.
    wait_until(lambda: not prometheus("alerts")["alerts"], what="no alert", seconds=PATIENCE)
    connected = 'max(feishu_connections{state="connected"}) == 1'
    wait_until(lambda: prometheus("query", query=connected)["result"], what="the bot", seconds=PATIENCE)
