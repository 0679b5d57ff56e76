import asyncio
import contextlib
import json
import threading
import time

import httpx
import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.enums import Transport
from bots.models import Bot
from events import callback_response, intake, registry, toast, webhook_desk, webhook_doors, webhook_refusals
from events.callbacks import PROCESSING
from events.enums import Arrived, EventStatus
from events.models import Event
from events.webhook import WebhookEndpoint
from feishu.encryption import encrypt
from feishu.signatures import card_signature, event_signature
from feishu.text import Text
from feishu_portal.asgi import application
from tests.factories import click_event, make_bot, message_event

pytestmark = pytest.mark.django_db(transaction=True)

KEY, TOKEN = "the-encrypt-key-of-the-tests", "verification-token"
CHALLENGE = {"challenge": "demo", "token": TOKEN, "type": "url_verification"}


@pytest.fixture(autouse=True)
def only_own_handlers(monkeypatch):
    monkeypatch.setattr(registry, "_card_handlers", {})
    monkeypatch.setattr(intake, "hint_work", lambda: True)


@pytest.fixture
async def endpoint():
    opened = WebhookEndpoint()
    yield opened
    await opened.close()


@pytest.fixture
async def http(endpoint):
    transport = httpx.ASGITransport(app=endpoint)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


@pytest.fixture
async def make(database):
    """Makes a webhook bot with key and token, unless told otherwise."""

    async def one(**values) -> Bot:
        defaults = {"transport": Transport.WEBHOOK, "encrypt_key": KEY, "verification_token": TOKEN}
        return await database.run(make_bot, **(defaults | values))

    return one


@pytest.fixture
async def bot(make):
    return await make()


@pytest.fixture
def loads(monkeypatch) -> list[float]:
    """When the bots were looked up."""
    times, load = [], webhook_doors._load
    monkeypatch.setattr(webhook_doors, "_load", lambda: times.append(time.monotonic()) or load())
    return times


@pytest.fixture
def stuck_store(monkeypatch):
    """A database that answers when the test lets it."""
    go, store = threading.Event(), intake.store
    monkeypatch.setattr(intake, "store", lambda batch, **options: go.wait(10) and store(batch, **options))
    yield go
    go.set()


def path(bot: Bot) -> str:
    return f"/api/feishu/webhook/{bot.app_id}"


def encoded(payload) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def request(payload, *, key: str = KEY) -> dict:
    """Body and headers as the platform sends them."""
    body = json.dumps({"encrypt": encrypt(key, encoded(payload))}, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json;charset=utf-8",
        "X-Lark-Request-Timestamp": "1700000000",
        "X-Lark-Request-Nonce": "n0nce-1",
        "X-Lark-Signature": event_signature("1700000000", "n0nce-1", key, body),
    }
    return {"content": body, "headers": headers}


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


# --- events


async def test_event_is_committed_before_it_is_acked(http, bot, database):
    event = message_event()
    response = await http.post(path(bot), **request(event))
    assert (response.status_code, response.json()) == (200, {"msg": "success"})
    stored = await database.run(Event.objects.get)
    assert (stored.bot_id, stored.arrived_by, stored.status) == (
        bot.pk,
        Arrived.WEBHOOK,
        EventStatus.RECEIVED,
    )
    assert json.loads(bytes(stored.payload)) == event


async def test_event_pushed_again_is_acked_and_stored_once(http, bot, database):
    again = request(message_event())
    assert [(await http.post(path(bot), **again)).status_code for _ in range(3)] == [200, 200, 200]
    assert (await database.run(Event.objects.get)).duplicates == 2


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json; charset=gbk", "nonsense"])
async def test_content_type_does_not_matter(http, bot, content_type):
    sent = request(message_event())
    sent["headers"]["Content-Type"] = content_type
    assert (await http.post(path(bot), **sent)).status_code == 200


@pytest.mark.parametrize("payload", [b"", b"not json", b"[1]", b'{"schema":"2.0","header":{}}', b"\x00"])
async def test_unreadable_but_authentic_event_is_acked_and_quarantined(http, bot, database, payload):
    assert (await http.post(path(bot), **request(payload))).status_code == 200
    stored = await database.run(Event.objects.get)
    assert (stored.status, bytes(stored.payload)) == (EventStatus.QUARANTINED, payload)


async def test_plain_event_is_accepted_by_its_token_alone(http, make, database):
    bot = await make(encrypt_key="")
    assert (await http.post(path(bot), json=message_event())).status_code == 200
    assert await database.run(Event.objects.count) == 1


@pytest.mark.parametrize("encrypted", [True, False])
async def test_challenge_is_returned_plain(http, make, database, encrypted):
    bot = await make(encrypt_key=KEY if encrypted else "")
    challenge = CHALLENGE | {"challenge": 'a "demo"'}
    content = request(challenge)["content"] if encrypted else encoded(challenge)
    response = await http.post(path(bot), content=content)
    assert (response.status_code, response.json()) == (200, {"challenge": 'a "demo"'})
    assert await database.run(Event.objects.count) == 0


# --- who may come in


def tampered(sent: dict) -> dict:
    return sent | {"content": sent["content"].replace(b'"}', b' "}')}


@pytest.mark.parametrize(
    "sent",
    [
        tampered(request(message_event())),
        request(message_event(), key="another key"),
        {"content": request(message_event())["content"]},
        {"content": encoded(message_event())},
        {"content": b""},
    ],
    ids=["tampered", "another key", "no headers", "plain", "empty"],
)
async def test_what_is_not_the_platforms_is_refused_and_not_stored(http, bot, database, sent):
    assert refused(await http.post(path(bot), **sent)) == (401, "unauthenticated")
    assert await database.run(Event.objects.count) == 0


async def test_bot_without_key_and_token_is_refused_and_the_log_says_what_to_do(http, endpoint, make, caplog):
    bot = await make(encrypt_key="", verification_token="")
    assert refused(await http.post(path(bot), json=message_event())) == (401, "unauthenticated")
    await endpoint.close()
    [line] = caplog.records
    assert (line.app_id, line.reason) == (bot.app_id, "no_key_and_no_token")
    assert "Encrypt Key" in line.cure


async def test_stranger_cannot_tell_which_bots_there_are(http, make):
    bots = [
        await make(enabled=False),
        await make(transport=Transport.WEBSOCKET),
        Bot(app_id="cli_00000000000000ff"),
        Bot(app_id=""),
        Bot(app_id="cli_1/and/more"),
        Bot(app_id="%00%ff飞书"),
    ]
    answers = [await http.post(path(bot), **request(message_event())) for bot in bots]
    assert {refused(answer) for answer in answers} == {(404, "not_found")}
    assert len({(answer.content, str(answer.headers)) for answer in answers}) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_allowed_whether_there_is_a_bot_or_not(http, bot, method):
    for address in (path(bot), "/api/feishu/webhook/cli_00000000000000ff"):
        response = await http.request(method, address)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_slash_at_the_end_is_no_redirect(http, bot):
    assert (await http.post(f"{path(bot)}/", **request(message_event()))).status_code == 200


async def test_secrets_that_cannot_be_opened_are_told_to_the_operator(http, endpoint, bot, caplog, settings):
    settings.ENCRYPTION_KEYS = ["YW5vdGhlci1mZXJuZXQta2V5LW9mLXRoZS10ZXN0cyE="]
    assert refused(await http.post(path(bot), **request(message_event()))) == (500, "not_stored")
    await endpoint.close()
    assert "ENCRYPTION_KEYS" in caplog.records[0].cure


async def test_log_holds_neither_secrets_nor_bodies_nor_what_strangers_make_up(http, endpoint, bot, caplog):
    event = message_event(text="what a person wrote")
    for address in (path(bot), "/api/feishu/webhook/cli_made0up"):
        for sent in (request(event, key="another key"), {"json": event}):
            assert (await http.post(address, **sent)).status_code in {401, 404}
    await endpoint.close()
    written = " ".join(str(vars(line)) for line in caplog.records)
    assert len(caplog.records) == 3
    for unwanted in (KEY, TOKEN, "what a person wrote", "made0up"):
        assert unwanted not in written


# --- the bots behind the doors


async def test_burst_costs_one_look_up(http, make, database, loads):
    bots = [await make(), await make()]
    sent = [http.post(path(bot), **request(message_event())) for bot in bots * 50]
    strangers = [http.post(f"/api/feishu/webhook/cli_{n}") for n in range(50)]
    answers = await asyncio.gather(*sent, *strangers)
    assert [answer.status_code for answer in answers] == [200] * 100 + [404] * 50
    assert await database.run(Event.objects.count) == 100
    assert len(loads) == 1


async def test_switched_bot_is_followed(http, bot, database, monkeypatch, loads):
    monkeypatch.setattr(webhook_doors, "FRESH_SECONDS", 0)
    for values, status in (
        ({"transport": Transport.WEBSOCKET}, 404),
        ({"transport": Transport.WEBHOOK}, 200),
        ({"enabled": False}, 404),
        ({"enabled": True}, 200),
    ):
        await database.run(Bot.objects.filter(pk=bot.pk).update, **values)
        assert (await http.post(path(bot), **request(message_event()))).status_code == status
    assert len(loads) == 4


async def test_bots_are_looked_up_again_after_a_few_seconds(http, bot, loads, monkeypatch):
    monkeypatch.setattr(webhook_doors, "FRESH_SECONDS", 0.05)
    async with asyncio.timeout(5):
        while len(loads) < 2:
            assert (await http.post(path(bot), **request(message_event()))).status_code == 200


# --- when the database is away


async def test_event_that_cannot_be_stored_is_refused_so_that_it_comes_again(
    http, bot, database, monkeypatch
):
    def gone(batch, **options):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "store", gone)
        assert refused(await http.post(path(bot), **request(message_event()))) == (500, "not_stored")
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    assert await database.run(Event.objects.count) == 1


async def test_database_that_cannot_be_asked_for_bots_is_a_500(http, bot, monkeypatch):
    def gone():
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(webhook_doors, "_load", gone)
        assert refused(await http.post(path(bot), **request(message_event()))) == (500, "not_stored")
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200


async def test_database_that_hangs_is_not_waited_for(http, bot, database, monkeypatch, stuck_store):
    monkeypatch.setattr(webhook_desk, "STORE_SECONDS", 0.2)
    sent = request(message_event())
    assert refused(await http.post(path(bot), **sent)) == (500, "not_stored")
    stuck_store.set()
    monkeypatch.setattr(webhook_desk, "STORE_SECONDS", 5)
    assert (await http.post(path(bot), **sent)).status_code == 200
    assert await database.run(Event.objects.count) == 1


async def test_error_nobody_thought_of_is_a_500_and_logged(http, bot, monkeypatch, caplog):
    monkeypatch.setattr(webhook_desk, "examine", lambda *_args, **_values: 1 / 0)
    assert refused(await http.post(path(bot), **request(message_event()))) == (500, "internal_error")
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["webhook_failed"]


# --- limits


async def test_body_of_the_greatest_length_is_taken_and_a_longer_one_refused(http, bot, settings):
    sent = request(message_event())
    settings.WEBHOOK_MAX_BYTES = len(sent["content"])
    assert (await http.post(path(bot), **sent)).status_code == 200
    settings.WEBHOOK_MAX_BYTES -= 1
    assert refused(await http.post(path(bot), **sent)) == (413, "body_too_large")


async def test_longer_body_is_refused_whatever_length_it_announces(http, bot, settings):
    settings.WEBHOOK_MAX_BYTES = 1000

    async def pieces():
        for _ in range(11):
            yield b"x" * 100

    for headers in ({}, {"Content-Length": "10"}, {"Content-Length": "9" * 5000}, {"Content-Length": "x"}):
        response = await http.post(path(bot), content=pieces(), headers=headers)
        assert refused(response) == (413, "body_too_large")


async def call(endpoint, bot: Bot, receive) -> list[dict]:
    """What the endpoint sends when its server's ``receive`` is this one."""
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path(bot), "headers": []}
    await endpoint(scope, receive, send)
    return sent


async def test_body_that_does_not_come_is_not_waited_for(endpoint, bot, monkeypatch):
    monkeypatch.setattr(webhook_desk, "BODY_SECONDS", 0.05)
    started = asyncio.Event()

    async def drip():
        if started.is_set():
            await asyncio.Event().wait()
        started.set()
        return {"type": "http.request", "body": b"{", "more_body": True}

    [start, _body] = await asyncio.wait_for(call(endpoint, bot, drip), 5)
    assert start["status"] == 408


async def test_caller_that_hangs_up_gets_no_answer_and_leaves_no_trace(endpoint, bot, caplog):
    async def hang_up():
        return {"type": "http.disconnect"}

    assert await call(endpoint, bot, hang_up) == []
    await endpoint.close()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("limits", "answer", "reason"),
    [
        ({"WEBHOOK_BOT_REQUESTS": 2}, (429, "too_many_requests"), "bot_busy"),
        ({"WEBHOOK_REQUESTS": 2}, (503, "overloaded"), "all_busy"),
    ],
)
async def test_requests_beyond_a_limit_are_refused_at_once_and_counted(
    http, endpoint, bot, settings, stuck_store, caplog, limits, answer, reason
):
    for name, value in limits.items():
        setattr(settings, name, value)
    assert (await http.post(path(bot), **request(CHALLENGE))).status_code == 200
    going = {asyncio.create_task(http.post(path(bot), **request(message_event()))) for _ in range(5)}
    refusals = []
    async with asyncio.timeout(2):
        while len(refusals) < 3:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            refusals += [refused(task.result()) for task in done]
    assert refusals == [answer] * 3
    stuck_store.set()
    assert [(await task).status_code for task in going] == [200, 200]
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    await endpoint.close()
    assert [(line.reason, line.app_id, line.requests) for line in caplog.records] == [(reason, bot.app_id, 3)]


async def test_busy_bot_leaves_room_for_the_others(http, make, settings, stuck_store):
    settings.WEBHOOK_BOT_REQUESTS = 1
    busy, other = await make(), await make()
    first = asyncio.create_task(http.post(path(busy), **request(message_event())))
    async with asyncio.timeout(2):
        while (await http.post(path(busy), **request(CHALLENGE))).status_code != 429:
            await asyncio.sleep(0)
    assert (await http.post(path(other), **request(CHALLENGE))).status_code == 200
    stuck_store.set()
    assert (await first).status_code == 200


async def test_refusals_are_written_while_the_portal_runs(http, bot, caplog, monkeypatch):
    monkeypatch.setattr(webhook_refusals, "LINE_SECONDS", 0.05)
    await asyncio.gather(*(http.post(path(bot)) for _ in range(7)))
    async with asyncio.timeout(5):
        while not caplog.records:
            await asyncio.sleep(0.01)
    assert sum(line.requests for line in caplog.records) == 7


# --- clicks


async def test_click_is_answered_by_its_handler(http, bot, database):
    answer = callback_response(toast=toast("success", Text("好", "ok")))
    registry.on_card("approve")(lambda event, bot: answer)
    response = await http.post(path(bot), **request(click_event(value={"action": "approve"})))
    assert (response.status_code, response.json()) == (200, answer)
    assert response.headers["content-type"] == "application/json"
    assert (await database.run(Event.objects.get)).status == EventStatus.DONE


async def test_click_sent_twice_is_handled_once(http, bot):
    handled = []
    registry.on_card("approve")(lambda event, bot: handled.append(event.pk))
    sent = request(click_event(value={"action": "approve"}))
    answers = [await http.post(path(bot), **sent) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {}), (200, {})]
    assert len(handled) == 1


async def test_slow_handler_is_answered_for_in_time(http, bot, monkeypatch):
    go = threading.Event()
    registry.on_card("slow")(lambda event, bot: go.wait(5) and None)
    monkeypatch.setattr(webhook_desk, "BUDGET", 0.3)
    response = await http.post(path(bot), **request(click_event(value={"action": "slow"})))
    go.set()
    assert response.json() == PROCESSING


async def test_time_spent_on_storing_is_taken_from_the_handlers(http, bot, monkeypatch, stuck_store):
    registry.on_card("approve")(lambda event, bot: None)
    monkeypatch.setattr(webhook_desk, "BUDGET", 0.1)
    asyncio.get_running_loop().call_later(0.3, stuck_store.set)
    response = await http.post(path(bot), **request(click_event(value={"action": "approve"})))
    assert response.json() == PROCESSING


async def test_old_card_callback_is_handled_and_answered_with_nothing(http, bot, database):
    body = encoded(
        {
            "open_message_id": "om_1",
            "token": "c-0123",
            "action": {"value": {"action": "approve"}, "tag": "button"},
        }
    )
    registry.on_card("approve")(lambda event, bot: callback_response(toast=toast("info", Text("好", "ok"))))
    headers = {
        "X-Lark-Request-Timestamp": "1",
        "X-Lark-Request-Nonce": "2",
        "X-Lark-Signature": card_signature("1", "2", TOKEN, body),
    }
    response = await http.post(path(bot), content=body, headers=headers)
    assert (response.status_code, response.json()) == (200, {})
    stored = await database.run(Event.objects.get)
    assert (stored.event_type, stored.status) == ("card.action.trigger_v1", EventStatus.DONE)


# --- beginning and end


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "cancelled with its loop"])
def test_nothing_is_left_when_the_loop_ends(closed):
    bot = make_bot(transport=Transport.WEBHOOK, encrypt_key=KEY, verification_token=TOKEN)
    endpoint = WebhookEndpoint()
    before = set(threading.enumerate())

    async def one_event() -> int:
        transport = httpx.ASGITransport(app=endpoint)
        async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as http:
            response = await http.post(path(bot), **request(message_event()))
        if closed:
            await endpoint.close()
        return response.status_code

    # Twice, for each loop opens what it needs anew.
    assert [asyncio.run(one_event()) for _ in range(2)] == [200, 200]
    assert endpoint._desks == {}
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert Event.objects.count() == 2


@contextlib.asynccontextmanager
async def lifespan():
    """The application with a server's lifespan around it."""
    to_app, from_app = asyncio.Queue(), asyncio.Queue()
    running = asyncio.create_task(application({"type": "lifespan"}, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    yield
    to_app.put_nowait({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await running


async def test_application_serves_webhooks_beside_django_and_closes_with_its_lifespan(bot, settings):
    settings.SECURE_SSL_REDIRECT = True
    transport = httpx.ASGITransport(app=application)
    async with lifespan(), httpx.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        assert (await http.post(path(bot), **request(message_event()))).json() == {"msg": "success"}
        assert (await http.get("/healthz/live")).json() == {"status": "ok"}
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "webhook-desk" in names
    assert "webhook-desk" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_prefix_of_a_proxy_is_no_part_of_the_address(bot, endpoint):
    transport = httpx.ASGITransport(app=endpoint, root_path="/portal")
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        response = await http.post(f"/portal{path(bot)}", **request(message_event()))
    assert response.status_code == 200


# --- anything at all

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(payload=st.binary() | st.recursive(
    st.none() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["schema", "header", "event", "event_type", "event_id", "token", "uuid", "type", "action",
                         "create_time", "ts", "open_message_id", "message", "message_id", "tenant_key", "app_id"]),
        inner,
    ),
).map(encoded))  # fmt: skip
async def test_whatever_the_platform_sends_is_acked(http, bot, payload):
    assert (await http.post(path(bot), **request(payload))).status_code in {200, 401}


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
)
async def test_whatever_a_stranger_sends_is_refused(endpoint, bot, method, app_id, headers, body):
    pieces, sent = iter(body), []

    async def receive():
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message):
        sent.append(message)

    address = path(bot) if app_id is None else f"/api/feishu/webhook/{app_id}"
    await endpoint({"type": "http", "method": method, "path": address, "headers": headers}, receive, send)
    assert sent[0]["status"] in {401, 404, 405, 413}
