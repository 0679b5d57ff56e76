"""A portal that is killed in the middle of a streamed reply: another process closes the card."""

import contextlib
import json
import threading

import httpx2
import pytest
from celery import Celery

from feishu.streaming.cards import INTERRUPTED
from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.processes import wait_until
from tests.services.streamed import Chat

# Which database it is makes no difference.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]


def test_card_of_a_killed_process_is_closed_by_another(managed_process, environment, sandbox, bot, rows):
    port, chat, over = free_port(), Chat(sandbox), threading.Event()
    added = managed_process(
        "manage.py", "addapiclient", "writer", "--scope", "messages:send", environment=environment
    )
    assert added.wait_for_exit() == 0, added.output
    key = next(word for word in added.output.split() if word.startswith("fp_"))
    web = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    )
    web.wait_for("Uvicorn running")

    def body():
        yield json.dumps({"text": "Half a sent"}).encode() + b"\n"
        over.wait(60)

    def post() -> None:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.post(
                f"http://127.0.0.1:{port}/api/v1/bots/{APP_ID}/messages/stream",
                params={"receive_id": chat.open_id},
                content=body(),
                headers={"authorization": f"Bearer {key}"},
                timeout=60,
            )

    calling = threading.Thread(target=post)
    calling.start()
    wait_until(lambda: len(chat.cards) == 1, what="card")
    noted = "SELECT count(*) FROM bots_replystream WHERE CAST(cards AS TEXT) LIKE '%om_%'"
    wait_until(lambda: rows.one(noted) == (1,), what="note of the message")
    web.kill()
    over.set()
    calling.join(60)
    assert chat.cards[0].is_streaming
    rows.execute("UPDATE bots_replystream SET lease_until = '2026-01-01'")  # as it is 45 s later
    worker = managed_process(
        "-m", "celery", "-A", "feishu_portal", "worker", "--concurrency", "1", environment=environment
    )
    worker.wait_for(" ready")
    with Celery(broker=environment["REDIS_URL"]) as sender:
        sender.send_task("bots.close_streams", queue="default")
    worker.wait_until(lambda: not chat.cards[0].is_streaming, what="closed card")
    [card] = chat.cards
    assert card.text == "Half a sent"
    assert INTERRUPTED.en_us in card.note
    ended = "SELECT state, is_open FROM bots_replystream"
    wait_until(lambda: rows.one(ended) == ("interrupted", False), what="end of the reply")
