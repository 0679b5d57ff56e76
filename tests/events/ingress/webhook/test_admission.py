import pytest

from bots.enums import Transport
from bots.models import Bot
from events.models import Event
from tests.events.ingress.webhook.pushes import CHALLENGE, KEY, TOKEN, encoded, path, refused, request
from tests.factories import message_event

pytestmark = pytest.mark.django_db(transaction=True)


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
        await make(),
        await make(encrypt_key="another key"),
        await make(encrypt_key=""),
        await make(encrypt_key="", verification_token=""),
        await make(enabled=False),
        await make(transport=Transport.WEBSOCKET),
        Bot(app_id="cli_00000000000000ff"),
        Bot(app_id=""),
        Bot(app_id="cli_1/and/more"),
        Bot(app_id="%00%ff飞书"),
    ]
    sent = (request(message_event(), key="a key of mine"), {"json": CHALLENGE | {"token": "mine"}})
    answers = [await http.post(path(bot), **one) for bot in bots for one in sent]
    assert {refused(answer) for answer in answers} == {(401, "unauthenticated")}
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
    assert refused(await http.post(path(bot), **request(message_event()))) == (401, "unauthenticated")
    await endpoint.close()
    assert "ENCRYPTION_KEYS" in caplog.records[0].cure


async def test_log_holds_neither_secrets_nor_bodies_nor_what_strangers_make_up(http, endpoint, bot, caplog):
    event = message_event(text="what a person wrote")
    for address in (path(bot), "/api/feishu/webhook/cli_made0up"):
        for sent in (request(event, key="another key"), {"json": event}):
            assert (await http.post(address, **sent)).status_code == 401
    await endpoint.close()
    written = " ".join(str(vars(line)) for line in caplog.records)
    assert len(caplog.records) == 4  # the second one from a stranger by itself, at the end
    for unwanted in (KEY, TOKEN, "what a person wrote", "made0up"):
        assert unwanted not in written
