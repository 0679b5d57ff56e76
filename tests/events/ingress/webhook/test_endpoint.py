import asyncio
import contextlib
import threading

import httpx2
import pytest

from bots.enums import Transport
from events.ingress.webhook.endpoint import WebhookEndpoint
from events.models import Event
from feishu_portal.asgi import application
from tests.events.ingress.webhook.pushes import KEY, TOKEN, path, request
from tests.factories import make_bot, message_event
from tests.services.log_lines import lines
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "cancelled with its loop"])
def test_nothing_is_left_when_the_loop_ends(closed):
    bot = make_bot(transport=Transport.WEBHOOK, encrypt_key=KEY, verification_token=TOKEN)
    endpoint = WebhookEndpoint()
    before = set(threading.enumerate())

    async def one_event() -> int:
        transport = httpx2.ASGITransport(app=endpoint)
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
            response = await http.post(path(bot), **request(message_event()))
        if closed:
            await endpoint.close()
        return response.status_code

    # Twice, because each loop opens a server of its own.
    assert [asyncio.run(one_event()) for _ in range(2)] == [200, 200]
    assert endpoint._servers._open == {}
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
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
    transport = httpx2.ASGITransport(app=application)
    async with lifespan(), httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        assert (await http.post(path(bot), **request(message_event()))).json() == {"msg": "success"}
        assert (await http.get("/healthz/live")).json()["status"] == "ok"
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "webhook-server" in names
    assert "webhook-server" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_prefix_of_a_proxy_is_no_part_of_the_address(bot, endpoint):
    transport = httpx2.ASGITransport(app=endpoint, root_path="/portal")
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        response = await http.post(f"/portal{path(bot)}", **request(message_event()))
    assert response.status_code == 200


async def test_lines_of_a_request_name_the_bot_and_none_but_its_own(endpoint, bot, leaks, monkeypatch):
    def fail(**_values):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("events.ingress.webhook.server.read_event", fail)
    transport = httpx2.ASGITransport(app=endpoint)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as http:
        assert (await http.post(path(bot), **request(message_event()))).status_code == 500
        monkeypatch.setattr("events.ingress.webhook.server.WebhookServer.serve", fail_async)
        assert (await http.post(path(bot), **request(message_event()))).status_code == 500
    named, unnamed = lines(leaks, "webhook_failed")
    assert (named["app_id"], named["bot"]) == (bot.app_id, str(bot.pk))
    assert "app_id" not in unnamed


async def fail_async(*_values):
    raise RuntimeError("before the bot is known")
