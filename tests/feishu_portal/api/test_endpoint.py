"""What every server before Django has around it: problems, callers that went away, errors that nobody foresaw."""

from collections.abc import Callable
from typing import Self

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.problems import Problem

BEGIN: Message = {"type": "http.response.start", "status": 200, "headers": []}


class Failing:
    """Raises the error, after the first message of an answer if asked."""

    def __init__(self, error: Exception, *, begins: bool = False) -> None:
        self.error = error
        self.begins = begins
        self.is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.is_closed = True

    async def serve(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        if self.begins:
            await send(BEGIN)
        raise self.error


async def answered(server: Failing) -> list[Message]:
    endpoint = Endpoint(lambda: server, name="some", problem_headers={"Connection": "close"})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    try:
        await endpoint({"type": "http"}, nobody, send)
    finally:
        await endpoint.close()
    assert server.is_closed
    return sent


async def nobody() -> Message:
    raise AssertionError("nothing is read")


async def test_problem_is_answered_with_its_headers_and_those_of_the_endpoint():
    [start, body] = await answered(Failing(Problem(429, "full", "Full.", headers={"Retry-After": "1"})))
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert start["status"] == 429
    assert (headers["connection"], headers["retry-after"]) == ("close", "1")
    assert headers["content-type"] == "application/problem+json"
    assert b'"code":"full"' in body["body"]


async def test_unforeseen_error_is_a_problem_whose_cause_stands_in_the_log_alone(caplog):
    [start, body] = await answered(Failing(ValueError("secret")))
    assert start["status"] == 500
    assert b'"code":"internal_error"' in body["body"]
    assert b"secret" not in body["body"]
    [record] = caplog.records
    assert (record.getMessage(), record.levelname) == ("some_failed", "ERROR")


@pytest.mark.parametrize(
    "failing",
    [
        lambda: Failing(ClientDisconnect()),
        lambda: Failing(Problem(429, "full", "Full."), begins=True),
        lambda: Failing(ValueError(), begins=True),
    ],
)
async def test_nothing_is_added_where_nobody_listens_or_an_answer_has_begun(failing: Callable[[], Failing]):
    server = failing()
    assert await answered(server) == [BEGIN] * server.begins
