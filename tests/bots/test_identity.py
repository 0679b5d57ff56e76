import pytest
import respx

from bots.brand import switch_brand
from bots.enums import PlatformName
from bots.identity import learn_open_id, note_open_id, own_open_id
from bots.models import Bot
from bots.service import save_bot
from core.access.actors import SYSTEM
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def info():
    """The route on which the platform describes the bot."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        yield router.get("/open-apis/bot/v3/info").respond(json={"code": 0, "bot": {"open_id": "ou_own"}})


def test_open_id_is_asked_for_once(info):
    bot = make_bot()
    assert own_open_id(bot) == own_open_id(Bot.objects.get(pk=bot.pk)) == "ou_own"
    assert info.call_count == 1


def test_open_id_is_learned_ahead_once(info):
    bot = make_bot()
    for _ in range(2):
        learn_open_id(bot.pk)
    assert info.call_count == 1
    assert Bot.objects.get(pk=bot.pk).open_id == "ou_own"


def test_open_id_that_cannot_be_learned_is_left_to_the_next_time(info):
    info.respond(502)
    bot = make_bot()
    learn_open_id(bot.pk)
    assert Bot.objects.get(pk=bot.pk).open_id == ""


def test_open_id_of_a_bot_that_is_off_is_not_asked_for(info):
    learn_open_id(make_bot(enabled=False).pk)
    assert not info.called


def test_open_id_of_a_bot_that_moved_meanwhile_is_not_kept():
    bot = make_bot()
    Bot.objects.filter(pk=bot.pk).update(open_url="http://elsewhere.test")
    note_open_id(bot, "ou_old")
    assert Bot.objects.get(pk=bot.pk).open_id == ""


def test_absurdly_long_open_id_is_not_kept():
    bot = make_bot()
    note_open_id(bot, "ou_" + "x" * 100)
    assert Bot.objects.get(pk=bot.pk).open_id == ""


def test_other_platform_forgets_the_open_id():
    bot = make_bot(open_id="ou_own")
    bot.open_url, bot.app_secret = "http://elsewhere.test", "given again"
    save_bot(bot, changed=["open_url", "app_secret"], actor=SYSTEM)
    assert Bot.objects.get(pk=bot.pk).open_id == ""


def test_other_brand_forgets_the_open_id():
    bot = make_bot(open_id="ou_own", platform=PlatformName.FEISHU)
    switch_brand(bot, to=PlatformName.LARK, app_secret="given again", actor=SYSTEM)
    assert Bot.objects.get(pk=bot.pk).open_id == ""
