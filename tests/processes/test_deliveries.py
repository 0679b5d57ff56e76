"""Events on their whole way: from the platform through a worker, as production starts it, to a receiver."""

import json
import uuid

import pytest

from events.subscriptions.http.signatures import signed_headers
from tests.events.subscriptions.http.receiver import running
from tests.services.platform import APP_ID

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

SUBSCRIBE = """
from bots.models import Bot
from events.subscriptions.service import add_subscription
from events.models import Subscription
from core.access.actors import SYSTEM
from core.access.models import User
owner = User.objects.create_superuser("root", password="correct horse")
wanted = Subscription(name="Shop", owner=owner, all_bots=True, event_types=["test.*"], url="{url}")
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
        code = SUBSCRIBE.format(url=receiver.url, path=path)
        managed_process("manage.py", "shell", "-c", code, environment=values).wait_for_exit(seconds=60)
        celery = ("-m", "celery", "-A", "feishu_portal")
        managed_process(*celery, "beat", environment=values)
        worker = managed_process(
            *celery, "worker", "--pool", "prefork", "--concurrency", "1", environment=values
        )
        event_id = uuid.uuid4().hex
        header = {"event_id": event_id, "event_type": "test.shop_v1", "app_id": APP_ID}
        sandbox.push(count=1, raw=json.dumps({"schema": "2.0", "header": header, "event": {"n": 1}}))
        worker.wait_until(lambda: receiver.requests or None, what="the delivery", seconds=90)
    headers, body = receiver.requests[0]
    assert json.loads(body)["event_id"] == event_id
    expected = signed_headers(
        message_id=headers["webhook-id"],
        timestamp=int(headers["webhook-timestamp"]),
        payload=body,
        secrets=[path.read_text()],
    )
    assert headers["webhook-signature"] == expected["webhook-signature"]
