import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.tracing import Side, span
from events.subscriptions.http import post as posting
from events.subscriptions.http.failures import in_chinese
from events.subscriptions.http.post import PushRequest, PushResult, post
from events.subscriptions.http.signatures import new_secret, signed_headers
from feishu.networks import Networks
from tests.events.subscriptions.http.receiver import Receiver, running
from tests.services.processes import PATIENCE

LOOPBACK = Networks.parse(["127.0.0.0/8"])
KEY = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running() as receiver:
        yield receiver


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=120))


def request_to(url: str) -> PushRequest:
    return PushRequest(url, "dlv_7", b'{"id": 7}', [KEY])


async def test_the_receiver_gets_the_body_and_can_check_who_sent_it(receiver):
    result = await post(request_to(receiver.url), networks=LOOPBACK)
    assert (result.status, result.is_success) == (204, True)
    [(headers, body)] = receiver.requests
    assert body == b'{"id": 7}'
    assert headers["content-type"] == "application/json"
    expected = signed_headers(
        message_id="dlv_7", timestamp=int(headers["webhook-timestamp"]), payload=body, secrets=[KEY]
    )
    assert expected.items() <= headers.items()


async def test_the_connection_goes_to_the_address_that_was_checked_in_the_name_of_the_host(receiver):
    asked = []

    async def resolver(host, port):
        """Says something else when it is asked again, as a rebinding name server does."""
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    url = f"http://shop.example.com:{receiver.port}/hook?a=b"
    result = await post(request_to(url), networks=LOOPBACK, resolver=resolver)
    assert result.is_success
    assert asked == [("shop.example.com", receiver.port)]
    assert receiver.requests[0][0]["host"] == f"shop.example.com:{receiver.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver):
    async def resolver(_host, _port):
        return ["127.0.0.9", "127.0.0.1"]

    assert (await post(request_to(receiver.url), networks=LOOPBACK, resolver=resolver)).is_success


async def test_nothing_is_sent_where_it_may_not_go(receiver):
    result = await post(request_to(receiver.url), networks=Networks.parse(["public"]))
    assert result.status is None
    assert "FEISHU_DELIVERY_NETWORKS" in result.error
    assert receiver.requests == []


async def test_a_redirect_is_a_failure_and_is_not_followed(receiver):
    for status in (301, 302, 303, 307, 308):
        receiver.requests.clear()
        receiver.answer = lambda status=status: (status, {"location": receiver.url}, b"")
        result = await post(request_to(receiver.url), networks=LOOPBACK)
        assert (result.status, result.is_success) == (status, False)
        assert len(receiver.requests) == 1
        assert result.summary == (
            f"HTTP {status}: redirected to {receiver.url}. Redirects are not followed: enter the final address."
        )


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://new.example.test/hook", "https://new.example.test/hook"),
        ("https://new.example.test:8443/hook?token=hush#part", "https://new.example.test:8443/hook"),
        ("https://ops:hush@new.example.test/hook", "https://new.example.test/hook"),
        ("//new.example.test/hook", "http://new.example.test/hook"),
        ("/login?next=/hook&ticket=hush", "http://127.0.0.1:PORT/login"),
        ("next", "http://127.0.0.1:PORT/next"),
        ("http://[::1]:8443/hook", "http://[::1]:8443/hook"),
        ("http://[::1/hook", "?"),
        (f"https://new.example.test/{'x' * 1000}", f"https://new.example.test/{'x' * 175}"),
    ],
)
async def test_target_of_a_redirect_is_shown_without_what_may_be_secret(receiver, location, target):
    receiver.answer = lambda: (307, {"location": location}, b"")
    result = await post(request_to(receiver.url), networks=LOOPBACK)
    assert result.redirect == target.replace("PORT", str(receiver.port))
    assert "hush" not in result.summary


@pytest.mark.parametrize("answer", [(304, {}, b""), (302, {}, b""), (300, {}, b"choose")])
async def test_status_of_redirects_without_a_target_is_a_plain_failure(receiver, answer):
    receiver.answer = lambda: answer
    result = await post(request_to(receiver.url), networks=LOOPBACK)
    assert (result.status, result.redirect, result.is_success) == (answer[0], "", False)
    assert result.summary.startswith(f"HTTP {answer[0]}")


async def test_an_answer_is_read_no_further_than_needed(receiver):
    receiver.answer = lambda: (500, {}, b"no\n\x00 good" + b"x" * 10_000_000)
    result = await post(request_to(receiver.url), networks=LOOPBACK)
    assert result.status == 500
    assert result.response.startswith("no \ufffd good")
    assert len(result.response) <= posting.MAX_SNIPPET


@pytest.mark.parametrize("write", [lambda: "120", in_two_minutes])
async def test_when_to_come_back_is_read_in_both_forms(receiver, write):
    receiver.answer = lambda: (429, {"retry-after": write()}, b"")
    result = await post(request_to(receiver.url), networks=LOOPBACK)
    assert 60 < result.retry_after <= 120


@pytest.mark.parametrize("written", ["soon", "-5", "1e9", "99999999999", ""])
async def test_nonsense_about_when_to_come_back_is_ignored(receiver, written):
    receiver.answer = lambda: (503, {"retry-after": written}, b"")
    assert (await post(request_to(receiver.url), networks=LOOPBACK)).retry_after is None


async def test_a_receiver_that_does_not_answer_is_given_up_on(monkeypatch):
    seen = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        writer.close()
        seen.set()

    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.2)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    result = await post(request_to(f"http://127.0.0.1:{port}/"), networks=LOOPBACK)
    assert result == PushResult(None, error="No answer within 0.2 s.")
    server.close()
    async with asyncio.timeout(PATIENCE):
        await seen.wait()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "ftp://127.0.0.1/",
        "http:///",
        "http://[::1",
        "https://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
    ],
)
async def test_what_cannot_be_reached_is_said_and_not_raised(url):
    result = await post(request_to(url), networks=LOOPBACK)
    assert result.status is None
    assert in_chinese(result.error) != result.error


def test_neither_keys_nor_bodies_stand_in_a_requests_repr():
    assert KEY not in repr(request_to("http://a/"))
    assert '"id"' not in repr(request_to("http://a/"))


async def test_the_receiver_is_told_which_trace_its_request_belongs_to(receiver, traces):
    with span("deliver", Side.PRODUCER):
        await post(request_to(receiver.url), networks=LOOPBACK)
    [(headers, _body)] = receiver.requests
    assert f"{traces.one('deliver').context.trace_id:032x}" in headers["traceparent"]


async def test_without_traces_it_is_told_nothing(receiver):
    await post(request_to(receiver.url), networks=LOOPBACK)
    assert "traceparent" not in receiver.requests[0][0]
