"""What becomes of a message whose sender goes away."""

import asyncio
import json
import threading

import httpx2
import pytest
import respx
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler

from bots.enums import SendingState
from bots.models import Sending
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
from core.database.thread import DatabaseThread
from tests.factories import PLATFORM, make_bot
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)
SENT = {"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}}


@pytest.fixture
async def database():
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()


def request_of(bot, key: str) -> dict[str, object]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": f"/api/v1/bots/{bot.app_id}/messages",
        "query_string": b"",
        "headers": [
            (b"host", b"portal.test"),
            (b"authorization", f"Bearer {key}".encode()),
            (b"content-type", b"application/json"),
            (b"idempotency-key", b"order-1"),
        ],
    }


async def test_caller_that_hangs_up_leaves_the_record_of_what_was_sent(database):
    arrived, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def think(_request: httpx2.Request) -> httpx2.Response:
        loop.call_soon_threadsafe(arrived.set)
        go_on.wait(PATIENCE)
        return httpx2.Response(200, json=SENT)

    bot = await database.run(make_bot)
    _, key = await database.run(
        add_api_client,
        name="crm",
        scopes=[Scope.MESSAGES_SEND],
        bots=[],
        expires_at=None,
        actor=SYSTEM,
    )
    with respx.mock:
        respx.post(f"{PLATFORM}/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        respx.post(f"{PLATFORM}/open-apis/im/v1/messages").mock(side_effect=think)
        caller = ApplicationCommunicator(ASGIHandler(), request_of(bot, key))
        body = json.dumps({"receive_id": "ou_1", "text": "hello"}).encode()
        await caller.send_input({"type": "http.request", "body": body})
        async with asyncio.timeout(PATIENCE):
            await arrived.wait()
            await caller.send_input({"type": "http.disconnect"})
            row = await database.run(Sending.objects.get)
            assert row.state == SendingState.SENDING  # committed before anything was sent
            go_on.set()
            while (row := await database.run(Sending.objects.get)).state != SendingState.SENT:
                await asyncio.sleep(0.05)
        await caller.wait(PATIENCE)
    assert (row.message_id, row.attempts) == ("om_1", 1)
