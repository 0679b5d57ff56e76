"""The sandbox as a bench uses it: it pushes events by the thousand and holds the clock over their acknowledgements."""

from typing import Any

import httpx2

from tests.services.platform import APP_SECRET, SandboxClient
from tests.services.ports import free_port
from tests.services.processes import ProcessStarter

WINDOW = 1_000
"""Unanswered events at a time while the question is how many go through."""
MESSAGE = "im.message.receive_v1"
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
"""A message of an office in a chat of its own, 1.2 KB with its envelope."""


class Platform:
    """A sandbox of the bench's own."""

    def __init__(self, start: ProcessStarter) -> None:
        port = free_port()
        self.process = start("manage.py", "runsandbox", "--port", str(port))
        self.process.wait_for_port(port, seconds=60)
        self.client = SandboxClient(f"http://127.0.0.1:{port}")
        self._http = httpx2.Client(base_url=f"{self.client.url}/sandbox/api", timeout=60)
        self._apps = 0

    @property
    def url(self) -> str:
        return self.client.url

    def new_app(self) -> str:
        """The App ID of a new app."""
        self._apps += 1
        app_id = f"cli_{self._apps:016x}"
        self.client.put_app(app_id, app_secret=APP_SECRET)
        return app_id

    def connected(self) -> set[str]:
        """The App IDs of which a connection is open."""
        books = self._http.get("/books", params={"events": "false"}).raise_for_status().json()
        return {connection["app_id"] for connection in books["connections"]}

    def flood(
        self, app_id: str, count: int, *, event_type: str = MESSAGE, per_second: float | None = None
    ) -> dict[str, Any]:
        """Push so many events, as fast as they are acknowledged or at a rate; how soon they were acknowledged.

        Raises SystemExit unless each was acknowledged well.
        """
        body = {"app_id": app_id, "count": count, "event": EVENT, "type": event_type, "window": WINDOW}
        pace = {} if per_second is None else {"per_second": per_second}
        seconds = 900 if per_second is None else count / per_second + 60
        answer = self._http.post("/flood", json=body | pace, timeout=seconds)
        if not answer.is_success:
            raise SystemExit(f"{app_id}: the sandbox did not push: {answer.text}")
        outcome: dict[str, Any] = answer.json()
        if outcome["answered"] != count or outcome["refused"] or outcome["strange"] or outcome["unanswered"]:
            raise SystemExit(f"{app_id}: not every event was answered well: {outcome}")
        return outcome
