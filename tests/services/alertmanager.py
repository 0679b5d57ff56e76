"""A real Alertmanager, where it is installed."""

from datetime import datetime
from typing import Any

import httpx2

from tests.deploy.programs import program
from tests.services.ports import free_port
from tests.services.processes import PATIENCE
from tests.services.servers import Server, hand_over, temporary_directory, unprivileged

CONFIGURATION = """\
global: {{resolve_timeout: 1h}}
route: {{receiver: feishu, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: feishu
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config: {{authorization: {{credentials_file: key}}}}
"""


class Alertmanager:
    """Reachable at ``url``; sends what it gets to one receiver of the portal, with its key."""

    def __init__(self) -> None:
        self._program = program("prometheus-alertmanager")
        self._server = Server(temporary_directory())
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self, *, receiver: str, key: str) -> None:
        directory = self._server.directory
        (directory / "alertmanager.yml").write_text(CONFIGURATION.format(url=receiver))
        (directory / "key").write_text(key)
        hand_over(directory)
        command = [
            self._program, "--config.file=alertmanager.yml", "--storage.path=data",
            f"--web.listen-address=127.0.0.1:{self._port}", "--cluster.listen-address=",
        ]  # fmt: skip
        self._server.launch(command, ready=self._answers, seconds=PATIENCE, identity=unprivileged())

    def stop(self) -> None:
        self._server.stop()

    def tell(self, labels: dict[str, str], *, starts_at: datetime, ends_at: datetime | None = None) -> None:
        """An alert fires, or has ended."""
        alert: dict[str, Any] = {
            "labels": labels,
            "annotations": {"summary": "Nobody works"},
            "startsAt": starts_at.isoformat(),
        }
        if ends_at is not None:
            alert["endsAt"] = ends_at.isoformat()
        httpx2.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=PATIENCE).raise_for_status()

    def silences(self) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.url}/api/v2/silences", timeout=PATIENCE)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    def end(self, silences: list[dict[str, Any]]) -> None:
        for silence in silences:
            answer = httpx2.delete(f"{self.url}/api/v2/silence/{silence['id']}", timeout=PATIENCE)
            answer.raise_for_status()

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=5).is_success
        except httpx2.TransportError:
            return False
