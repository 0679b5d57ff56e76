"""Redis is wiped under a running portal: cards, revocations, events and their deliveries come late, and none is lost."""

import json
import signal
import uuid

import pytest
import redis

from tests.events.subscriptions.http.receiver import running
from tests.services.platform import APP_ID
from tests.services.refreshing import Refreshing

# Which database it is makes no difference.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

QUEUE = "default"
SUBSCRIBE = """
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.models import User
from events.models import Subscription
from events.subscriptions.service import add_subscription
owner = User.objects.create_superuser("root", password="correct horse")
wanted = Subscription(name="Shop", owner=owner, all_bots=True, event_types=["test.*"], url="{url}")
add_subscription(wanted, bots=[], actor=SYSTEM)
"""
ASK_AND_REVOKE = """
from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.models import UserToken
from core.access.actors import SYSTEM
grant = UserToken.objects.select_related("bot").get()
revoke_later(grant=grant, actor=SYSTEM)
request_authorization(bot=grant.bot, open_id="{open_id}", actor=SYSTEM)
"""
HANDLERS = """
from events import on

@on("test.shop_v1")
def handle(event, bot): ...
"""


@pytest.fixture
def broker(own_redis):
    with redis.Redis.from_url(own_redis) as client:
        yield client


def is_waiting(broker) -> bool:
    """Whether a worker waits for a message: the next one would reach it before anybody can wipe it away."""
    return any(client["cmd"] == "brpop" and "b" in client["flags"] for client in broker.client_list())


@pytest.mark.timeout(300)
def test_what_the_workers_were_to_be_told_is_done_all_the_same(
    broker, managed_process, environment, sandbox, addbot, runfeishu, rows, tmp_path
):
    addbot()
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    environment |= {
        "FEISHU_DELIVERY_NETWORKS": "127.0.0.0/8",
        "FEISHU_SWEEP_SECONDS": "1",
        "FEISHU_HANDLERS": "shop_handlers",
        "PYTHONPATH": str(tmp_path),
    }

    def shell(code: str) -> None:
        process = managed_process("manage.py", "shell", "-c", code, environment=environment)
        assert process.wait_for_exit() == 0, process.output

    with running() as receiver:
        Refreshing(managed_process, environment, sandbox, tmp_path).put_grants(1, access_seconds=7200)
        shell(SUBSCRIBE.format(url=receiver.url))
        listener = runfeishu()
        celery = ("-m", "celery", "-A", "feishu_portal")
        worker = managed_process(
            *celery, "worker", "--pool", "threads", "--concurrency", "2", environment=environment
        )
        worker.wait_until(lambda: is_waiting(broker), what="a worker that waits")

        worker.send(signal.SIGSTOP)
        worker.wait_until(lambda: not is_waiting(broker), what="a worker that waits no more")
        people = sandbox.people()
        shell(ASK_AND_REVOKE.format(open_id=people["lilei"]))
        header = {"event_id": uuid.uuid4().hex, "event_type": "test.shop_v1", "app_id": APP_ID}
        [event_id] = sandbox.push(
            count=1,
            raw=json.dumps({"schema": "2.0", "header": header, "event": {}}),
            ids=[header["event_id"]],
        )
        listener.wait_until(lambda: event_id in sandbox.acked(), what="the ack")
        # A card, a revocation and an event; the event's is sent behind its acknowledgement.
        listener.wait_until(lambda: broker.llen(QUEUE) >= 3, what="three messages")
        broker.flushall()
        assert not broker.exists(QUEUE)
        worker.send(signal.SIGCONT)
        beat = managed_process(*celery, "beat", environment=environment)

        def is_done() -> bool:
            return (
                rows.all("SELECT state FROM auth_sessions_authsession") == [("sent",)]
                and rows.all("SELECT state FROM auth_sessions_revocation") == [("done",)]
                # The platform tells of the revocation as well.
                and rows.all("SELECT status FROM events_event WHERE event_type = 'test.shop_v1'")
                == [("done",)]
                and len(receiver.requests) == 1
            )

        worker.wait_until(is_done, what="card, revocation, event and delivery")
        # Before the server: they would complain that it is gone.
        for process in (beat, worker, listener):
            process.stop()
