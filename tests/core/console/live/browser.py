"""The browser's end of a socket."""

import json
from typing import Any, Self

from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client

from core.access.models import User

HOST = "localhost:8000"
PATIENCE = 60.0


def cookie_of(user: User | None) -> str:
    """What a browser sends in which ``user`` is signed in. Queries the database."""
    if user is None:
        return ""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Socket:
    """One socket to an application, as a browser opens it."""

    def __init__(
        self,
        application: Any,
        path: str = "/live/",
        *,
        cookie: str = "",
        origin: str | None = f"http://{HOST}",
        language: str = "en",
    ) -> None:
        headers = {"host": HOST, "cookie": cookie, "accept-language": language}
        if origin is not None:
            headers["origin"] = origin
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": [],
        }
        self._wire = ApplicationCommunicator(application, scope)

    async def __aenter__(self) -> Self:
        await self._wire.send_input({"type": "websocket.connect"})
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._wire.send_input({"type": "websocket.disconnect", "code": 1001})
        await self._wire.wait(PATIENCE)

    async def next(self) -> dict[str, Any]:
        """What comes from the server next, as ASGI says it."""
        return await self._wire.receive_output(PATIENCE)

    async def open(self, hello: Any) -> None:
        assert (await self.next())["type"] == "websocket.accept"
        await self.say(json.dumps(hello))

    async def say(self, text: str) -> None:
        await self._wire.send_input({"type": "websocket.receive", "text": text})

    async def message(self) -> dict[str, Any]:
        """The next message that tells something."""
        while True:
            sent = await self.next()
            assert sent["type"] == "websocket.send", sent
            message = json.loads(sent["text"])
            if message["type"] != "alive":
                return message

    async def hears_nothing(self, seconds: float = 0.5) -> bool:
        return await self._wire.receive_nothing(timeout=seconds)

    async def closed(self) -> int:
        """The code with which the server closes; whatever is sent before is passed over."""
        while (sent := await self.next())["type"] != "websocket.close":
            pass
        return sent.get("code", 1000)
