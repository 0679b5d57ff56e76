"""What a webhook counts for its bot's page: which secrets proved requests, and which requests were refused."""

import asyncio
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from bots.enums import Transport
from bots.models import Bot, RefusedPush, SecretUse
from bots.service import BotChanges, put_bot
from bots.webhook.rotation import settle_rotations
from core.access.actors import SYSTEM
from events.ingress.webhook import bots, usage
from events.models import Event
from tests.events.ingress.webhook.pushes import CHALLENGE, KEY, TOKEN, encoded, path, refused, request
from tests.factories import click_event, message_event
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

NEXT_KEY, NEXT_TOKEN = "the-next-encrypt-key", "next-token"
UNAUTHENTICATED = (401, "unauthenticated")


def with_token(event: dict, token: str) -> dict:
    return event | {"header": event["header"] | {"token": token}}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Changes of a bot take effect with the next request."""
    monkeypatch.setattr(bots, "FRESH_SECONDS", 0)


@pytest.fixture
async def change(database):
    async def changed(bot: Bot, **values) -> Bot:
        await database.run(put_bot, app_id=bot.app_id, changes=BotChanges(values), actor=SYSTEM)
        return await database.run(Bot.objects.get, pk=bot.pk)

    return changed


async def uses(database) -> dict[tuple[str, bool], int]:
    rows = await database.run(lambda: list(SecretUse.objects.values_list("secret", "is_next", "requests")))
    return {(secret, is_next): requests for secret, is_next, requests in rows}


async def refusals(database) -> dict[str, int]:
    return dict(await database.run(lambda: list(RefusedPush.objects.values_list("reason", "requests"))))


@pytest.mark.parametrize("event", [message_event, lambda: click_event(value={})], ids=["event", "callback"])
async def test_requests_with_the_old_and_the_new_secrets_are_taken_during_a_rotation(
    http, bot, change, database, event, endpoint
):
    for key in (KEY, NEXT_KEY):
        sent = http.post(path(bot), **request(event(), key=key))
        assert (await sent).status_code == (200 if key == KEY else 401)
    await change(bot, next_encrypt_key=NEXT_KEY, next_verification_token=NEXT_TOKEN)
    for key in (KEY, NEXT_KEY):
        for token in (TOKEN, NEXT_TOKEN):
            sent = request(with_token(event(), token), key=key)
            assert (await http.post(path(bot), **sent)).status_code == 200
            challenge = await http.post(path(bot), **request(CHALLENGE | {"token": token}, key=key))
            assert challenge.json() == {"challenge": "demo"}
    assert await database.run(Event.objects.count) == 5
    await endpoint.close()
    names = ("encrypt_key", "verification_token")
    assert await uses(database) == {(name, is_next): 2 for name in names for is_next in (False, True)}
    assert await refusals(database) == {"bad_signature": 1}


async def test_nothing_weaker_than_a_key_is_taken_during_a_rotation(http, bot, change, database, endpoint):
    await change(bot, next_encrypt_key=NEXT_KEY, next_verification_token=NEXT_TOKEN)
    for token in (TOKEN, NEXT_TOKEN):
        sent = {"content": encoded(with_token(message_event(), token))}
        assert refused(await http.post(path(bot), **sent)) == UNAUTHENTICATED
        challenge = {"content": encoded(CHALLENGE | {"token": token})}
        assert refused(await http.post(path(bot), **challenge)) == UNAUTHENTICATED
    unsigned = {"content": request(message_event(), key=NEXT_KEY)["content"]}
    assert refused(await http.post(path(bot), **unsigned)) == UNAUTHENTICATED
    third = request(with_token(message_event(), "third"), key=NEXT_KEY)
    assert refused(await http.post(path(bot), **third)) == UNAUTHENTICATED
    await endpoint.close()
    assert await refusals(database) == {
        "plain_body": 4,
        "signature_missing": 1,
        "wrong_verification_token": 1,
    }
    assert await uses(database) == {}


async def test_rotation_ends_by_itself_when_its_time_is_over(http, bot, change, database):
    await change(bot, next_encrypt_key=NEXT_KEY)
    over = timezone.now() - timedelta(seconds=1)
    await database.run(Bot.objects.filter(pk=bot.pk).update, rotation_ends_at=over)
    assert refused(await http.post(path(bot), **request(message_event(), key=NEXT_KEY))) == UNAUTHENTICATED
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200


async def test_first_key_shuts_out_plain_requests_once_the_platform_uses_it(
    http, make, change, database, endpoint
):
    bot = await make(encrypt_key="")
    await change(bot, next_encrypt_key=NEXT_KEY)
    plain = {"content": encoded(message_event())}
    assert (await http.post(path(bot), **plain)).status_code == 200
    await database.run(settle_rotations)
    assert (await http.post(path(bot), **plain)).status_code == 200
    assert (await http.post(path(bot), **request(message_event(), key=NEXT_KEY))).status_code == 200
    await endpoint.close()
    await database.run(settle_rotations)
    assert refused(await http.post(path(bot), **plain)) == UNAUTHENTICATED
    assert (await http.post(path(bot), **request(message_event(), key=NEXT_KEY))).status_code == 200


async def test_next_secret_that_does_not_open_shuts_out_nothing(http, bot, change, database, caplog):
    await change(bot, next_encrypt_key=NEXT_KEY)
    await database.run(Bot.objects.filter(pk=bot.pk).update, open_url="http://elsewhere.test")
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200
    assert "next_secrets_sealed" in {line.message for line in caplog.records}
    assert NEXT_KEY not in caplog.text


async def test_nothing_is_counted_without_a_rotation_or_a_bot(http, bot, make, database, endpoint):
    await http.post(path(bot), **request(message_event()))
    await http.get(path(bot))
    for address in ("/api/feishu/webhook/cli_made0up", "/api/feishu/webhook/"):
        await http.post(address, **request(message_event()))
    await endpoint.close()
    assert await uses(database) == {}
    assert await refusals(database) == {}


async def test_flood_of_a_stranger_is_one_row(http, bot, database, endpoint, monkeypatch):
    monkeypatch.setattr(bots, "FRESH_SECONDS", 60)
    written = []
    write = usage.write_refusals
    monkeypatch.setattr(usage, "write_refusals", lambda notes: written.append(len(notes)) or write(notes))
    flood = [http.post(path(bot), json=message_event()) for _ in range(300)]
    await asyncio.gather(*flood)
    await endpoint.close()
    assert await refusals(database) == {"plain_body": 300}
    assert max(written) == 1


async def test_bot_of_the_long_connection_counts_what_comes_by_webhook(http, make, database, endpoint):
    bot = await make(transport=Transport.WEBSOCKET)
    assert refused(await http.post(path(bot), **request(message_event()))) == UNAUTHENTICATED
    await endpoint.close()
    assert await refusals(database) == {"no_webhook_bot": 1}


async def test_counts_wait_for_a_database_that_is_away(http, bot, database, endpoint, monkeypatch):
    await http.post(path(bot), json=message_event())
    await endpoint.close()
    monkeypatch.setattr(usage, "WRITE_EVERY", 0.01)
    write, away = usage.write_refusals, [OperationalError("gone")] * 2

    def fails_twice(notes):
        if away:
            raise away.pop()
        write(notes)

    monkeypatch.setattr(usage, "write_refusals", fails_twice)
    await http.post(path(bot), json=message_event())
    async with asyncio.timeout(PATIENCE):
        while (await refusals(database))["plain_body"] < 2:
            await http.post(path(bot), content=b"")
            await asyncio.sleep(0.01)
