"""Bodies and requests as nobody should send them: each is stored or refused, with a status that says which."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.models import Event
from feishu.encryption import encrypt
from feishu.signatures import event_signature
from tests.anything import FUZZ, damaged, payloads, values
from tests.events.ingress.webhook.pushes import KEY, TOKEN, path, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)

content_types = st.sampled_from(
    [
        "application/json",
        "text/plain; charset=utf-16",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "",
        "/",
    ]
)


@pytest.fixture
async def unencrypted_bot(make):
    return await make(encrypt_key="")


def signed(body: bytes, content_type: str) -> dict[str, Any]:
    headers = {
        "Content-Type": content_type,
        "X-Lark-Request-Timestamp": "1",
        "X-Lark-Request-Nonce": "n",
        "X-Lark-Signature": event_signature("1", "n", KEY, body),
    }
    return {"content": body, "headers": headers}


async def events(database, bot) -> int:
    """How many were taken, those that came before included."""
    rows = Event.objects.filter(bot=bot)
    return sum(await database.run(lambda: [1 + again for again in rows.values_list("duplicates", flat=True)]))


async def is_taken_or_refused(database, bot, response, before: int) -> None:
    """Whatever is acked is stored, unless it asked for an answer at once."""
    taken = response.status_code == 200 and "challenge" not in response.json()
    assert response.status_code in {200, 401}
    assert await events(database, bot) - before == taken


@FUZZ
@given(payload=payloads)
async def test_whatever_the_platform_sends_is_acked(http, bot, database, payload):
    before = await events(database, bot)
    response = await http.post(path(bot), **request(payload))
    await is_taken_or_refused(database, bot, response, before)


@FUZZ
@given(
    encrypted=values
    | st.text(max_size=60).map(json.dumps)
    | st.binary(max_size=80).map(lambda data: json.dumps(encrypt(KEY, data)[:-4]))
    | st.binary(max_size=80).map(lambda data: json.dumps(encrypt("another key", data))),
    content_type=content_types,
)
async def test_body_that_cannot_be_decrypted_is_kept_or_refused(http, bot, database, encrypted, content_type):
    before = await events(database, bot)
    body = f'{{"encrypt":{encrypted}}}'.encode("utf-8", "surrogatepass")
    response = await http.post(path(bot), **signed(body, content_type))
    await is_taken_or_refused(database, bot, response, before)


@FUZZ
@given(
    body=payloads
    | damaged(st.just(json.dumps(message_event()).encode()))
    | values.map(
        lambda value: f'{{"schema":"2.0","header":{{"token":"{TOKEN}","event_type":{value}}}}}'.encode()
    ),
    content_type=content_types,
)
async def test_plain_body_is_stored_where_it_bears_the_token_and_refused_where_not(
    http, unencrypted_bot, database, body, content_type
):
    before = await events(database, unencrypted_bot)
    response = await http.post(path(unencrypted_bot), content=body, headers={"Content-Type": content_type})
    await is_taken_or_refused(database, unencrypted_bot, response, before)


@FUZZ
@given(
    method=st.sampled_from(["POST"] * 4 + ["GET", "HEAD", "TRACE", "Ä"]),
    app_id=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=80),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"content-length", b"content-type", b"x-lark-signature", b"x-lark-request-nonce", b"\xff"]
            ),
            st.binary(max_size=80),
        )
    ),
    body=st.lists(st.binary(max_size=2000), max_size=4),
    limit=st.sampled_from([100, 1_000_000]),
)
async def test_whatever_a_stranger_sends_is_refused(
    endpoint, bot, settings, method, app_id, headers, body, limit
):
    settings.WEBHOOK_MAX_BYTES = limit
    pieces, sent = iter(body), []

    async def receive():
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message):
        sent.append(message)

    address = path(bot) if app_id is None else f"/api/feishu/webhook/{app_id}"
    await endpoint({"type": "http", "method": method, "path": address, "headers": headers}, receive, send)
    assert sent[0]["status"] in {401, 404, 405, 413}
