import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from events.subscriptions.http import post as posting
from events.subscriptions.http.networks import Networks
from events.subscriptions.http.post import Letter, Reply, post
from events.subscriptions.http.signatures import new_secret, signed_headers
from tests.events.subscriptions.http.receiver import Receiver, running

LOOPBACK = Networks.parse(["127.0.0.0/8"])
KEY = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running() as receiver:
        yield receiver


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=120))


def letter(url: str) -> Letter:
    return Letter(url, "dlv_7", b'{"id": 7}', [KEY])


async def test_the_receiver_gets_the_body_and_can_check_who_sent_it(receiver):
    reply = await post(letter(receiver.url), networks=LOOPBACK)
    assert (reply.status, reply.is_success) == (204, True)
    [(headers, body)] = receiver.requests
    assert body == b'{"id": 7}'
    assert headers["content-type"] == "application/json"
    expected = signed_headers(
        message_id="dlv_7", timestamp=int(headers["webhook-timestamp"]), body=body, keys=[KEY]
    )
    assert expected.items() <= headers.items()


async def test_the_connection_goes_to_the_address_that_was_checked_in_the_name_of_the_host(receiver):
    asked = []

    async def lookup(host, port):
        """Says something else when it is asked again, as a rebinding name server does."""
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    url = f"http://shop.example.com:{receiver.port}/hook?a=b"
    reply = await post(letter(url), networks=LOOPBACK, lookup=lookup)
    assert reply.is_success
    assert asked == [("shop.example.com", receiver.port)]
    assert receiver.requests[0][0]["host"] == f"shop.example.com:{receiver.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver):
    async def lookup(_host, _port):
        return ["127.0.0.9", "127.0.0.1"]

    assert (await post(letter(receiver.url), networks=LOOPBACK, lookup=lookup)).is_success


async def test_nothing_is_sent_where_it_may_not_go(receiver):
    reply = await post(letter(receiver.url), networks=Networks.parse(["public"]))
    assert reply.status is None
    assert "FEISHU_DELIVERY_NETWORKS" in reply.error
    assert receiver.requests == []


async def test_a_redirect_is_a_failure_and_is_not_followed(receiver):
    receiver.answer = lambda: (302, {"location": receiver.url}, b"")
    reply = await post(letter(receiver.url), networks=LOOPBACK)
    assert (reply.status, reply.is_success) == (302, False)
    assert len(receiver.requests) == 1


async def test_an_answer_is_read_no_further_than_needed(receiver):
    receiver.answer = lambda: (500, {}, b"no\n\x00 good" + b"x" * 10_000_000)
    reply = await post(letter(receiver.url), networks=LOOPBACK)
    assert reply.status == 500
    assert reply.answer.startswith("no \ufffd good")
    assert len(reply.answer) <= posting.MAX_SNIPPET


@pytest.mark.parametrize("write", [lambda: "120", in_two_minutes])
async def test_when_to_come_back_is_read_in_both_forms(receiver, write):
    receiver.answer = lambda: (429, {"retry-after": write()}, b"")
    reply = await post(letter(receiver.url), networks=LOOPBACK)
    assert 60 < reply.retry_after <= 120


@pytest.mark.parametrize("written", ["soon", "-5", "1e9", "99999999999", ""])
async def test_nonsense_about_when_to_come_back_is_ignored(receiver, written):
    receiver.answer = lambda: (503, {"retry-after": written}, b"")
    assert (await post(letter(receiver.url), networks=LOOPBACK)).retry_after is None


async def test_a_receiver_that_does_not_answer_is_given_up_on(monkeypatch):
    seen = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        writer.close()
        seen.set()

    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.2)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reply = await post(letter(f"http://127.0.0.1:{port}/"), networks=LOOPBACK)
    assert reply == Reply(None, error="No answer within 0.2 s.")
    server.close()
    async with asyncio.timeout(20):
        await seen.wait()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "http:///", "http://[::1", "https://127.0.0.1:99999/"]
)
async def test_what_cannot_be_reached_is_said_and_not_raised(url):
    reply = await post(letter(url), networks=LOOPBACK)
    assert reply.status is None
    assert reply.error


def test_neither_keys_nor_bodies_stand_in_a_letters_repr():
    assert KEY not in repr(letter("http://a/"))
    assert '"id"' not in repr(letter("http://a/"))
