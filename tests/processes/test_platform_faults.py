"""The portal and a platform that misbehaves on the wire: no event is lost, and what happened is written down."""

import json

import pytest

from tests.services.platform import APP_ID
from tests.services.ports import free_port

# What the platform does wrong is the same for either database.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

PAYLOADS = "SELECT event_id, payload FROM events_event"
LOSSES = "SELECT reason, code, message FROM bots_connectionloss ORDER BY at"
EVENTS = 5


def until_connected(process, sandbox) -> None:
    process.wait_until(lambda: sandbox.connections() == 1, what="the connection")


def until_stored_once(process, sandbox, rows, ids) -> None:
    """All are acknowledged and each is there, whole."""
    process.wait_until(lambda: sandbox.acked() >= set(ids), what="acks of every event")
    stored = rows.all(PAYLOADS)
    assert sorted(event_id for event_id, _ in stored) == sorted(ids)
    for event_id, payload in stored:
        assert json.loads(bytes(payload))["header"]["event_id"] == event_id


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "not_gzip"])
def test_compressed_frames_are_read(sandbox, bot, runfeishu, rows, encoding):
    faults = {
        "delivery": {"encoding": encoding, "chunks": 2, "shuffle_chunks": True},
        "connection": {"pong_encoding": encoding},
    }
    sandbox.faults(**faults)
    process = runfeishu()
    until_connected(process, sandbox)
    until_stored_once(process, sandbox, rows, sandbox.push(count=EVENTS))
    assert sandbox.books()["connections_closed"] == 0


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (1008, "policy violation by app", ("closed", 1008, "policy violation by app")),
        (4001, "连接已被管理员断开", ("closed", 4001, "连接已被管理员断开")),
        (1006, "no such close", ("network", None, "1002")),
    ],
)
def test_reason_of_a_closed_connection_is_kept_and_events_go_on(
    sandbox, bot, runfeishu, rows, code, reason, said
):
    sandbox.speed(100)
    process = runfeishu()
    until_connected(process, sandbox)
    ids = sandbox.push(count=EVENTS)
    sandbox.disturb("close", close_code=code, close_reason=reason)
    process.wait_until(lambda: rows.all(LOSSES), what="the lost connection")
    found_reason, found_code, message = rows.all(LOSSES)[0]
    assert (found_reason, found_code) == said[:2]
    assert said[2] in message
    ids += sandbox.push(count=EVENTS)
    until_stored_once(process, sandbox, rows, ids)


def test_frame_that_breaks_off_is_pushed_again_and_stored_once(sandbox, bot, runfeishu, rows):
    sandbox.speed(100)
    sandbox.faults(delivery={"break_off": True})
    process = runfeishu()
    until_connected(process, sandbox)
    ids = sandbox.push(count=1, event={"text": "飞" * 500})
    until_stored_once(process, sandbox, rows, ids)
    process.wait_until(lambda: rows.all(LOSSES), what="the lost connection")
    assert rows.all(LOSSES)[0][:2] == ("network", None)


def test_body_that_breaks_off_is_pushed_again_and_stored_once(
    sandbox, addbot, managed_process, environment, rows, tmp_path
):
    (tmp_path / "token").write_text("the-verification-token")
    managed_process.secrets.add("the-verification-token")
    addbot(APP_ID, "--transport", "webhook", "--verification-token-file", str(tmp_path / "token"))
    port = free_port()
    web = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    )
    web.wait_for_port(port)
    url = f"http://127.0.0.1:{port}/api/feishu/webhook/{APP_ID}"
    sandbox.put_app(mode="webhook", webhook_url=url, verification_token="the-verification-token")
    sandbox.speed(100)
    sandbox.faults(delivery={"break_off": True})
    ids = sandbox.push(count=EVENTS, event={"text": "飞" * 500})
    until_stored_once(web, sandbox, rows, ids)
    assert sandbox.outcomes() <= {"closed", "acked", "timeout"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"drop": "middle"}, "without sending complete message body"),
        ({"answer": "html"}, "HTTP 502"),
    ],
)
def test_answer_about_the_gateway_that_is_spoiled_is_named_and_asked_for_again(
    sandbox, bot, runfeishu, rows, fault, said
):
    sandbox.faults(discovery={**fault, "times": 1})
    process = runfeishu()
    process.wait_until(lambda: rows.all(LOSSES), what="the failed attempt")
    assert said in rows.all(LOSSES)[0][2]
    until_connected(process, sandbox)
    until_stored_once(process, sandbox, rows, sandbox.push(count=EVENTS))
