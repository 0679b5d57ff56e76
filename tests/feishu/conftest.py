import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx2
import pytest

from feishu.credentials import AppCredentials
from feishu.platforms import FEISHU
from feishu.transport import Transport

Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


@dataclass
class FakePlatform:
    """Answers requests from a list of prepared answers, and keeps the requests."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def will_say(
        self, *bodies: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.will(*(httpx2.Response(status, json=body, headers=headers) for body in bodies))

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer(request)

    def sent_json(self, index: int = -1) -> Any:
        return json.loads(self.requests[index].content)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def transport(platform: FakePlatform) -> Iterator[Transport]:
    transport = Transport(httpx2.Client(transport=httpx2.MockTransport(platform.handle)))
    yield transport
    transport.close()


@pytest.fixture
def credentials() -> AppCredentials:
    return AppCredentials("cli_a1b2c3d4e5f60718", "s3cr3t", FEISHU)


@pytest.fixture(scope="session")
def sdk() -> ModuleType:
    """The official SDK, to compare with; takes seconds to import."""
    with warnings.catch_warnings():
        # Its protobuf runtime and its use of asyncio.get_event_loop() are deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        import lark_oapi

        return lark_oapi
