"""The sandbox as a test sees it: its control API, which is the judge of what really happened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
from websockets.sync.client import connect

from tests.services.processes import PATIENCE

APP_ID = "cli_00000000000000aa"
APP_SECRET = "the-app-secret-of-the-tests"


class SandboxClient:
    """Controls a running sandbox at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        # A connection a call: a busy sandbox may close one that was kept just while the next call goes out on it.
        fresh = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(base_url=f"{url}/sandbox/api", timeout=PATIENCE, limits=fresh)

    def close(self) -> None:
        self._http.close()

    def put_app(self, app_id: str = APP_ID, **values: Any) -> None:
        """Create an app, or change the given values of one."""
        self._answer(self._http.put(f"/apps/{app_id}", json=values))

    def push(self, app_id: str = APP_ID, **values: Any) -> list[str]:
        """Push events; returns their ids."""
        return self._answer(self._http.post("/push", json={"app_id": app_id} | values))["event_ids"]

    def books(self, app_id: str = APP_ID) -> dict[str, Any]:
        return self._answer(self._http.get("/books", params={"app_id": app_id}))

    def connections(self, app_id: str = APP_ID) -> int:
        answer = self._http.get("/books", params={"app_id": app_id, "events": "false"})
        return len(self._answer(answer)["connections"])

    def acked(self, app_id: str = APP_ID) -> set[str]:
        """Ids of the events that the platform counts as delivered."""
        return {event["event_id"] for event in self.books(app_id)["events"] if event["state"] == "acked"}

    def outcomes(self, app_id: str = APP_ID) -> set[str]:
        """How the attempts to deliver events ended, each kind once."""
        return {attempt["outcome"] for event in self.books(app_id)["events"] for attempt in event["attempts"]}

    def grants(
        self, count: int, app_id: str = APP_ID, *, scopes: Sequence[str] = ("offline_access",)
    ) -> list[dict[str, str]]:
        """So many people have authorized the app; their open_ids and tokens."""
        wanted = {"app_id": app_id, "count": count, "scopes": list(scopes)}
        return self._answer(self._http.post("/grants", json=wanted))["grants"]

    def people(self, app_id: str = APP_ID) -> dict[str, str]:
        """The open_ids of the sandbox's people, as the app knows them, by their names in the sandbox."""
        answer = self._answer(self._http.get("/people", params={"app_id": app_id}))
        return {person["id"]: person["open_id"] for person in answer["people"]}

    def put_person(self, person: str, **values: Any) -> None:
        self._answer(self._http.post("/people", json={"id": person} | values))

    def add_group(self, name: str, *, person: str = "lilei", app_id: str = APP_ID) -> None:
        """A group of the person and the bot."""
        self._answer(self._http.post("/groups", json={"name": name, "people": [person], "apps": [app_id]}))

    def settings(self, **values: Any) -> None:
        self._answer(self._http.put("/settings", json=values))

    def refresh_books(self) -> list[dict[str, Any]]:
        """Every refresh token, by fingerprint: whether it was used, and what each submission of it came to."""
        answer = self._http.get("/books", params={"events": "false"})
        return self._answer(answer)["refresh_tokens"]

    def say(self, text: str, *, person: str = "lilei", app_id: str = APP_ID) -> dict[str, Any]:
        return self._answer(self._http.post("/say", json={"person": person, "app_id": app_id, "text": text}))

    def messages(self, *, person: str = "lilei", app_id: str = APP_ID) -> list[dict[str, Any]]:
        """What the person and the bot have said to each other, oldest first."""
        answer = self._http.get("/messages", params={"person": person, "app_id": app_id})
        return self._answer(answer)["messages"]

    def calls(self) -> list[dict[str, Any]]:
        """The last calls of the platform's APIs, oldest first."""
        return self._answer(self._http.get("/calls"))["calls"]

    def register(self, url: str, *, person: str = "lilei", **values: Any) -> str:
        """What a person does on the page to which a QR code leads; returns the App ID."""
        answer = self._http.post("/register", json={"url": url, "person": person} | values)
        return self._answer(answer)["app_id"]

    def app(self, app_id: str) -> dict[str, Any]:
        apps = self._answer(self._http.get("/apps"))["apps"]
        return next(app for app in apps if app["app_id"] == app_id)

    def faults(self, **faults: Any) -> None:
        self._answer(self._http.put("/faults", json=faults))

    def disturb(self, action: str, **values: Any) -> None:
        self._answer(self._http.post("/disturb", json={"action": action} | values))

    @contextmanager
    def connected_elsewhere(self, app_id: str = APP_ID, app_secret: str = APP_SECRET) -> Iterator[None]:
        """A program that is not the portal holds a long connection with the same app."""
        credentials = {"AppID": app_id, "AppSecret": app_secret}
        answer = httpx2.post(f"{self.url}/callback/ws/endpoint", json=credentials)
        with connect(answer.json()["data"]["URL"], proxy=None):
            yield

    def speed(self, factor: float) -> None:
        """How many times faster than on the platform a failed event is pushed again."""
        self._answer(self._http.put("/settings", json={"speed": factor}))

    def _answer(self, response: httpx2.Response) -> dict[str, Any]:
        assert response.is_success, response.text
        return response.json()
