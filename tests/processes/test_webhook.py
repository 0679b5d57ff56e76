"""The web process as production starts it, with the sandbox pushing to it. The sandbox's books are the judge."""

import json
import signal

import httpx2
import pytest

from tests.anything import UNREADABLE
from tests.services.platform import APP_ID, APP_SECRET
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.processes
# Storing what comes, in a process of its own and in one with all, is looked at on both databases; the rest says nothing of them.
only_on_postgres = pytest.mark.only_on("postgres")

KEY, TOKEN = "the-encrypt-key-of-the-tests", "the-verification-token-of-the-tests"
EVENTS = "SELECT event_id, arrived_by FROM events_event"
PAYLOADS = "SELECT status, payload FROM events_event ORDER BY received_at"
HANDLERS = """
import time
from events import callback_response, on_card, toast
from feishu.text import Text

@on_card("approve")
def approve(event, bot):
    return callback_response(toast=toast("success", Text("好", "Approved")))

@on_card("slow")
def slow(event, bot):
    time.sleep(3)
"""
CARD = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "body": {
        "elements": [
            {
                "tag": "button",
                "text": {"tag": "plain_text", "content": action},
                "name": action,
                "behaviors": [{"type": "callback", "value": {"action": action, "once": action == "approve"}}],
            }
            for action in ("approve", "slow", "unknown")
        ]
    },
}


@pytest.fixture
def make_webhook_bot(addbot, tmp_path, managed_process):
    """Makes the sandbox's app a webhook bot, or changes the one it is."""
    managed_process.secrets |= {KEY, TOKEN}
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "token").write_text(TOKEN)

    def make(*, encrypted: bool = True, transport: str = "webhook", callbacks: str = "same") -> None:
        key = ("--encrypt-key-file", str(tmp_path / "key")) if encrypted else ()
        token = ("--verification-token-file", str(tmp_path / "token"))
        addbot(APP_ID, "--transport", transport, "--callback-transport", callbacks, *key, *token)

    return make


@pytest.fixture
def web(managed_process, environment, tmp_path):
    """Starts the web process; returns it and the address of the bot's webhook."""
    (tmp_path / "clicks.py").write_text(HANDLERS)
    values = environment | {"FEISHU_HANDLERS": "clicks", "PYTHONPATH": str(tmp_path)}

    def start(port: int = 0):
        port = port or free_port()
        process = managed_process(
            "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=values
        )
        process.wait_for_port(port)
        return process, f"http://127.0.0.1:{port}/api/feishu/webhook/{APP_ID}"

    return start


def subscribe(sandbox, url: str, *, key: str = KEY, **values) -> None:
    """Saves the address at the platform, which asks for the challenge."""
    modes = {"mode": "webhook"} | values
    sandbox.put_app(webhook_url=url, encrypt_key=key, verification_token=TOKEN, **modes)


def until_acked(process, sandbox, ids, *, seconds: float = PATIENCE) -> None:
    process.wait_until(lambda: sandbox.acked() >= set(ids), what="acks of every event", seconds=seconds)


def stored(rows) -> list[str]:
    return sorted(event_id for event_id, _ in rows.all(EVENTS))


@pytest.mark.parametrize(
    "encrypted", [True, pytest.param(False, marks=only_on_postgres)], ids=["encrypted", "plain"]
)
def test_three_hundred_events_at_once_are_stored_once_and_acked(
    sandbox, make_webhook_bot, web, rows, encrypted
):
    sandbox.settings(ack_deadline=60)  # nothing is pushed again minutes later where the machine is busy
    make_webhook_bot(encrypted=encrypted)
    process, url = web()
    subscribe(sandbox, url, key=KEY if encrypted else "")
    ids = sandbox.push(count=300)
    until_acked(process, sandbox, ids)
    assert stored(rows) == sorted(ids)
    assert {arrived_by for _, arrived_by in rows.all(EVENTS)} == {"webhook"}
    # On a machine that is busy with other things the last of them may not be stored, or not answered, in time; then they come again.
    late = sandbox.outcomes() - {"acked"}
    assert late <= {"refused", "timeout"}
    assert "refused" not in late or "reason=database_away" in process.output


@only_on_postgres
def test_event_pushed_again_under_its_id_is_stored_once(sandbox, make_webhook_bot, web, rows):
    make_webhook_bot()
    process, url = web()
    subscribe(sandbox, url)
    sandbox.push(count=3, ids=["same", "same", "same"])
    process.wait_until(lambda: sandbox.books()["counts"]["acked"] == 3, what="three acks")
    assert stored(rows) == ["same"]


@only_on_postgres
def test_unreadable_events_are_acked_and_quarantined(sandbox, make_webhook_bot, web, rows):
    make_webhook_bot()
    process, url = web()
    subscribe(sandbox, url)
    for number, raw in enumerate(UNREADABLE, start=1):
        sandbox.push(count=1, raw=raw)
        process.wait_until(
            lambda number=number: sandbox.books()["counts"]["acked"] == number,
            what=f"the ack of {raw!r}",
        )
    found = [(status, bytes(payload)) for status, payload in rows.all(PAYLOADS)]
    assert found == [("quarantined", raw.encode()) for raw in UNREADABLE]


@only_on_postgres
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_loses_no_acked_event_and_gets_the_others_again(
    sandbox, make_webhook_bot, web, rows, ending
):
    make_webhook_bot()
    process, url = web()
    subscribe(sandbox, url)
    ids = sandbox.push(count=1000, per_second=300, wait=False)
    process.wait_until(lambda: len(sandbox.acked()) > 100, what="the middle")
    process.send(ending)
    process.wait_for_exit()
    acked = sandbox.acked()
    assert len(acked) < len(ids)
    assert acked <= set(stored(rows))
    process, _ = web(httpx2.URL(url).port)
    # What the platform would push again in 15 s, or 5 minutes where the process took longer to start, comes now.
    sandbox.speed(100)
    until_acked(process, sandbox, ids)
    assert stored(rows) == sorted(ids)


def takes_challenge(sandbox, url) -> bool:
    """Whether the address can be saved: nothing else tells a stranger's request which bots get their events by webhook."""
    try:
        subscribe(sandbox, url)
    except AssertionError:
        return False
    return True


@only_on_postgres
def test_address_is_saved_only_with_the_right_key(sandbox, make_webhook_bot, web):
    make_webhook_bot()
    _, url = web()
    with pytest.raises(AssertionError, match="the challenge failed: HTTP 401"):
        subscribe(sandbox, url, key="another key")
    with pytest.raises(AssertionError, match="the challenge failed: HTTP 401"):
        subscribe(sandbox, url.replace(APP_ID, "cli_00000000000000ff"))
    subscribe(sandbox, url)


@only_on_postgres
def test_bot_may_change_its_transport_at_any_time(sandbox, make_webhook_bot, web, runfeishu, rows):
    make_webhook_bot()
    process, url = web()
    listener = runfeishu()
    subscribe(sandbox, url)
    by_webhook = sandbox.push(count=1)
    until_acked(process, sandbox, by_webhook)
    make_webhook_bot(transport="websocket")
    sandbox.put_app(mode="websocket")
    listener.wait_until(lambda: sandbox.connections() == 1, what="the connection")
    by_connection = sandbox.push(count=1)
    until_acked(listener, sandbox, by_connection)
    process.wait_until(lambda: not takes_challenge(sandbox, url), what="the closed door")
    sandbox.put_app(mode="websocket")
    make_webhook_bot()
    listener.wait_until(lambda: sandbox.connections() == 0, what="no connection")
    process.wait_until(lambda: takes_challenge(sandbox, url), what="the open door")
    by_webhook += sandbox.push(count=1)
    until_acked(process, sandbox, by_webhook)
    assert dict(rows.all(EVENTS)) == dict.fromkeys(by_webhook, "webhook") | dict.fromkeys(
        by_connection, "websocket"
    )


def test_one_process_for_everything_hears_webhooks_and_stops_in_order(
    sandbox, make_webhook_bot, managed_process, environment, rows
):
    make_webhook_bot()
    port = free_port()
    process = managed_process("manage.py", "runportal", "--port", str(port), environment=environment)
    process.wait_for("Ctrl-C")
    subscribe(sandbox, f"http://127.0.0.1:{port}/api/feishu/webhook/{APP_ID}")
    ids = sandbox.push(count=20)
    until_acked(process, sandbox, ids)
    process.send(signal.SIGTERM)
    assert process.wait_for_exit() == 0
    assert stored(rows) == sorted(ids)


# --- clicks


def app_token(http: httpx2.Client, app_id: str = APP_ID) -> dict[str, str]:
    """The headers of the app's own calls."""
    credentials = {"app_id": app_id, "app_secret": APP_SECRET}
    token = http.post("/open-apis/auth/v3/tenant_access_token/internal", json=credentials).json()
    return {"Authorization": f"Bearer {token['tenant_access_token']}"}


def shown_card(sandbox, message_id: str) -> str:
    """The card as it is now, as JSON."""
    with httpx2.Client(base_url=sandbox.url) as http:
        answer = http.get(
            f"/open-apis/im/v1/messages/{message_id}",
            params={"card_msg_content_type": "user_card_content"},
            headers=app_token(http),
        )
        return answer.text


def send_card(sandbox, app_id: str = APP_ID) -> str:
    """The message id of a card that the app sent to a person."""
    with httpx2.Client(base_url=sandbox.url) as http:
        people = http.get("/sandbox/api/people", params={"app_id": app_id}).json()["people"]
        answer = http.post(
            "/open-apis/im/v1/messages",
            params={"receive_id_type": "open_id"},
            headers=app_token(http, app_id),
            json={
                "receive_id": next(person["open_id"] for person in people if person["id"] == "lilei"),
                "msg_type": "interactive",
                "content": json.dumps(CARD),
            },
        )
        assert answer.json()["code"] == 0, answer.text
        return answer.json()["data"]["message_id"]


def click(sandbox, message_id: str, name: str) -> dict:
    body = {"person": "lilei", "message_id": message_id, "name": name}
    return httpx2.post(f"{sandbox.url}/sandbox/api/click", json=body, timeout=60).json()


@only_on_postgres
def test_click_is_answered_by_its_handler_or_for_it_in_time(sandbox, make_webhook_bot, web, rows):
    make_webhook_bot()
    process, url = web()
    subscribe(sandbox, url)
    card = send_card(sandbox)
    answers = {name: click(sandbox, card, name) for name in ("approve", "slow", "unknown")}
    assert {name: answer["code"] for name, answer in answers.items()} == dict.fromkeys(answers, 0)
    assert answers["approve"]["toast"]["i18n"]["en_us"] == "Approved"
    # Its button counts once and is disabled now.
    assert answers["approve"]["card_updated"]
    assert "error" in click(sandbox, card, "approve")
    assert answers["slow"]["toast"]["type"] == "info"
    assert answers["slow"]["latency_ms"] < 2500
    assert answers["unknown"]["toast"]["type"] == "warning"
    # Whatever is under way when the process is asked to end is finished first.
    process.send(signal.SIGTERM)
    process.wait_for_exit()
    assert sorted(rows.all("SELECT status FROM events_event")) == [("done",), ("done",), ("ignored",)]


# --- both ways at once

OTHER_APP_ID = "cli_00000000000000bb"


@only_on_postgres
@pytest.mark.parametrize(("events_by", "callbacks_by"), [("websocket", "webhook"), ("webhook", "websocket")])
def test_events_come_one_way_and_callbacks_the_other(
    sandbox, make_webhook_bot, web, runfeishu, environment, tmp_path, rows, events_by, callbacks_by
):
    sandbox.settings(ack_deadline=20)  # the test is about ways, not about times
    make_webhook_bot(transport=events_by, callbacks=callbacks_by)
    process, url = web()
    environment |= {"FEISHU_HANDLERS": "clicks", "PYTHONPATH": str(tmp_path)}
    listener = runfeishu()
    listener.wait_until(lambda: sandbox.connections() == 1, what="the connection")
    subscribe(sandbox, url, mode=events_by, callback_mode=callbacks_by)
    ids = sandbox.push(count=5)
    until_acked(process, sandbox, ids)
    assert click(sandbox, send_card(sandbox), "approve")["code"] == 0
    arrived = dict(rows.all("SELECT event_type, arrived_by FROM events_event"))
    assert arrived.pop("card.action.trigger") == callbacks_by
    assert set(arrived.values()) == {events_by}
    assert len(stored(rows)) == len(ids) + 1


@only_on_postgres
def test_a_webhook_bot_and_a_long_connection_bot_work_at_the_same_time(
    sandbox, make_webhook_bot, addbot, web, runfeishu, environment, tmp_path, rows
):
    sandbox.settings(ack_deadline=20)
    sandbox.put_app(OTHER_APP_ID, app_secret=APP_SECRET)
    make_webhook_bot()
    addbot(OTHER_APP_ID)
    process, url = web()
    environment |= {"FEISHU_HANDLERS": "clicks", "PYTHONPATH": str(tmp_path)}
    listener = runfeishu()
    listener.wait_until(lambda: sandbox.connections(OTHER_APP_ID) == 1, what="the connection")
    subscribe(sandbox, url)
    # Half of the events and a click of each app, in turns and without waiting for the other's.
    ids = {APP_ID: set(), OTHER_APP_ID: set()}
    for _ in range(2):
        for app_id, pushed in ids.items():
            pushed.update(sandbox.push(app_id, count=50, per_second=500, wait=False))
        for app_id in ids:
            assert click(sandbox, send_card(sandbox, app_id), "approve")["code"] == 0
    for app_id, pushed in ids.items():
        process.wait_until(lambda a=app_id, p=pushed: sandbox.acked(a) >= p, what=f"acks of {app_id}")
    found = rows.all(
        "SELECT bot.app_id, event.event_type = 'card.action.trigger', event.arrived_by, COUNT(*) FROM events_event event "
        "JOIN bots_bot bot ON bot.id = event.bot_id GROUP BY 1, 2, 3"
    )
    assert sorted((app_id, bool(is_click), way, count) for app_id, is_click, way, count in found) == [
        (APP_ID, False, "webhook", 100),
        (APP_ID, True, "webhook", 2),
        (OTHER_APP_ID, False, "websocket", 100),
        (OTHER_APP_ID, True, "websocket", 2),
    ]
    assert sandbox.connections(APP_ID) == 0
