"""What ``bench.ingest`` sets side by side: each a process of its own, with an app and a connection of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.services.platform import APP_SECRET, SandboxClient
from tests.services.processes import ManagedProcess, ProcessStarter

WINDOW = 1_000
"""Unanswered events at a time while the question is how many go through."""
EVENT = {
    "sender": {"sender_id": {"open_id": "ou_7d8a6e6df7621556ce0d21922b676706"}, "sender_type": "user"},
    "message": {
        "message_id": "om_$id",
        "create_time": "1767225600000",
        "chat_id": "oc_$id",
        "chat_type": "group",
        "message_type": "text",
        "content": '{"text":"' + "今天下午三点开会，请带上上周的报表。" * 12 + '"}',
    },
}
"""A message of an office, 1.2 KB with its envelope."""


class Platform:
    """The sandbox, which pushes and holds the clock."""

    def __init__(self, start: ProcessStarter, port: int) -> None:
        self.process = start("manage.py", "runsandbox", "--port", str(port))
        self.process.wait_for_port(port, seconds=60)
        self.client = SandboxClient(f"http://127.0.0.1:{port}")
        self._http = httpx.Client(base_url=f"{self.client.url}/sandbox/api", timeout=900)

    @property
    def url(self) -> str:
        return self.client.url

    def flood(self, app_id: str, count: int, *, per_second: float | None = None) -> dict[str, Any]:
        """Push so many events; what became of them. Raises SystemExit unless every one was stored and answered well."""
        body = {"app_id": app_id, "count": count, "event": EVENT, "window": WINDOW, "per_second": per_second}
        answer = self._http.post(
            "/flood", json={name: value for name, value in body.items() if value is not None}
        )
        outcome: dict[str, Any] = answer.raise_for_status().json()
        if outcome["answered"] != count or outcome["refused"] or outcome["strange"] or outcome["unanswered"]:
            raise SystemExit(f"{app_id}: not every event was answered well: {outcome}")
        return outcome


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str
    app_id: str
    process: ManagedProcess


class Subjects:
    """Starts them, and waits until each is connected."""

    def __init__(self, start: ProcessStarter, platform: Platform) -> None:
        self._start = start
        self._platform = platform
        self._count = 0

    def bare(self, name: str) -> Subject:
        """Who only answers: the most that the sandbox can push."""
        return self._module(name, "bench.bare_acker", {})

    def sdk(self, name: str, *, database_url: str = "") -> Subject:
        """The official client: with an empty handler, or one that stores in this database."""
        return self._module(name, "bench.sdk_client", {"DATABASE_URL": database_url} if database_url else {})

    def portal(self, name: str, environment: Mapping[str, str]) -> Subject:
        """``runfeishu`` with its meter."""
        app_id = self._new_app()
        self._run(
            "manage.py", "addbot", app_id, "--app-id", app_id, "--open-url", self._platform.url,
            "--accounts-url", self._platform.url, environment={**environment, "FEISHU_APP_SECRET": APP_SECRET},
        )  # fmt: skip
        process = self._start("-m", "bench.metered_intake", environment=environment)
        return self._connected(name, app_id, process)

    def _module(self, name: str, module: str, environment: dict[str, str]) -> Subject:
        app_id = self._new_app()
        store = ["--store"] if environment else []
        process = self._start(
            "-m", module, self._platform.url, app_id, APP_SECRET, *store, environment=environment
        )
        return self._connected(name, app_id, process)

    def _new_app(self) -> str:
        self._count += 1
        app_id = f"cli_{self._count:016x}"
        self._platform.client.put_app(app_id, app_secret=APP_SECRET)
        return app_id

    def _run(self, *arguments: str, environment: Mapping[str, str]) -> None:
        process = self._start(*arguments, environment=environment)
        if process.wait_for_exit(seconds=120):
            raise SystemExit(process.output)

    def _connected(self, name: str, app_id: str, process: ManagedProcess) -> Subject:
        def is_connected() -> bool:
            return self._platform.client.connections(app_id) > 0

        process.wait_until(is_connected, what="connection", seconds=120)
        return Subject(name, app_id, process)
