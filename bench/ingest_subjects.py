"""What ``bench.ingest`` sets side by side: each a process of its own, with an app and a connection of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.platform import Platform
from bench.servers import Servers
from tests.services.platform import APP_SECRET
from tests.services.processes import ManagedProcess


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str
    app_id: str
    process: ManagedProcess


class Subjects:
    """Starts them, and waits until each is connected."""

    def __init__(self, servers: Servers, platform: Platform) -> None:
        self._servers = servers
        self._platform = platform

    def bare(self, name: str) -> Subject:
        """Who only answers: the most that the sandbox can push."""
        return self._module(name, "bench.bare_acker", {})

    def sdk(self, name: str, *, database_url: str = "") -> Subject:
        """The official client: with an empty handler, or one that stores in this database."""
        return self._module(name, "bench.sdk_client", {"DATABASE_URL": database_url} if database_url else {})

    def portal(self, name: str, environment: Mapping[str, str]) -> Subject:
        """``runfeishu`` with its meter."""
        app_id = self._platform.new_app()
        self._servers.run(
            "-m", "bench.add_bots", self._platform.url, app_id,
            environment={**environment, "FEISHU_APP_SECRET": APP_SECRET},
        )  # fmt: skip
        process = self._servers.start("-m", "bench.metered_intake", environment=environment)
        return self._connected(name, app_id, process)

    def _module(self, name: str, module: str, environment: dict[str, str]) -> Subject:
        app_id = self._platform.new_app()
        store = ["--store"] if environment else []
        process = self._servers.start(
            "-m", module, self._platform.url, app_id, APP_SECRET, *store, environment=environment
        )
        return self._connected(name, app_id, process)

    def _connected(self, name: str, app_id: str, process: ManagedProcess) -> Subject:
        def is_connected() -> bool:
            return self._platform.client.connections(app_id) > 0

        process.wait_until(is_connected, what="connection", seconds=120)
        return Subject(name, app_id, process)
