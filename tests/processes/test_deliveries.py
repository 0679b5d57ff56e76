"""Events on their whole way: from the platform through a worker, as production starts it, to a receiver."""

import json
import uuid

import pytest

from events.subscriptions.http.signatures import signed_headers
from tests.events.subscriptions.http.receiver import running
from tests.processes.test_webhook import click, send_card, shown_card
from tests.services.platform import APP_ID
from tests.services.ports import free_port

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

SUBSCRIBE = """
from bots.models import Bot
from events.subscriptions.service import add_subscription
from events.models import Subscription
from core.access.actors import SYSTEM
from core.access.models import User
owner = User.objects.create_superuser("root", password="correct horse")
wanted = Subscription(name="Shop", owner=owner, all_bots=True, event_types=["{types}"], url="{url}", kind="{kind}")
with open("{path}", "w") as file:
    file.write(add_subscription(wanted, bots=[], actor=SYSTEM))
"""


def test_an_event_comes_signed_to_its_receiver(
    managed_process, environment, sandbox, bot, runfeishu, tmp_path
):
    values = environment | {"FEISHU_DELIVERY_NETWORKS": "127.0.0.0/8", "FEISHU_SWEEP_SECONDS": "1"}
    with running() as receiver:
        runfeishu()
        path = tmp_path / "secret"
        code = SUBSCRIBE.format(url=receiver.url, path=path, types="test.*", kind="push")
        managed_process("manage.py", "shell", "-c", code, environment=values).wait_for_exit()
        celery = ("-m", "celery", "-A", "feishu_portal")
        managed_process(*celery, "beat", environment=values)
        worker = managed_process(
            *celery, "worker", "--pool", "prefork", "--concurrency", "1", environment=values
        )
        event_id = uuid.uuid4().hex
        header = {"event_id": event_id, "event_type": "test.shop_v1", "app_id": APP_ID}
        sandbox.push(count=1, raw=json.dumps({"schema": "2.0", "header": header, "event": {"n": 1}}))
        worker.wait_until(lambda: receiver.requests or None, what="the delivery")
    headers, body = receiver.requests[0]
    assert json.loads(body)["event_id"] == event_id
    expected = signed_headers(
        message_id=headers["webhook-id"],
        timestamp=int(headers["webhook-timestamp"]),
        payload=body,
        secrets=[path.read_text()],
    )
    assert headers["webhook-signature"] == expected["webhook-signature"]


def test_a_click_is_answered_by_its_receiver(managed_process, environment, sandbox, bot, tmp_path, rows):
    sandbox.settings(ack_deadline=60)  # the test is about the way, not about times
    values = environment | {"FEISHU_DELIVERY_NETWORKS": "127.0.0.0/8", "FEISHU_SWEEP_SECONDS": "1"}
    done = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "Approved by the shop"}]}}
    with running() as receiver:
        receiver.answer = lambda: (
            200,
            {},
            json.dumps({"toast": {"content": "Approved"}, "card": {"type": "raw", "data": done}}).encode(),
        )
        code = SUBSCRIBE.format(
            url=receiver.url, path=tmp_path / "secret", types="card.action.trigger", kind="answer"
        )
        managed_process("manage.py", "shell", "-c", code, environment=values).wait_for_exit()
        portal = managed_process("manage.py", "runportal", "--port", str(free_port()), environment=values)
        portal.wait_for("Ctrl-C")
        portal.wait_until(lambda: sandbox.connections() == 1, what="the connection")
        card = send_card(sandbox)
        assert click(sandbox, card, "unknown")["code"] == 0
        # At once, or behind the answer where the machine is busy.
        portal.wait_until(
            lambda: "Approved by the shop" in shown_card(sandbox, card), what="the receiver's card"
        )
        portal.wait_until(
            lambda: rows.all("SELECT status FROM events_event") == [("done",)], what="the end of the event"
        )
        [(_headers, body)] = receiver.requests
        assert json.loads(body)["payload"]["event"]["action"]["value"]["action"] == "unknown"
