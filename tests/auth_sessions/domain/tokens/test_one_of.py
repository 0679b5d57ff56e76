import httpx2
import pytest

from auth_sessions.domain.tokens import one_of
from auth_sessions.domain.tokens.one_of import choose_one
from bots.models import Bot
from tests.bots.doctor.patient import app_of, scopes
from tests.factories import PLATFORM, make_bot, make_grant
from tests.feishu_portal.api.messages import message_platform

pytestmark = pytest.mark.django_db

ANY = ["drive:drive", "drive:drive:readonly", "drive:drive.metadata:readonly"]


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def platform():
    with message_platform() as platform:
        platform.application = platform.get(f"{PLATFORM}/open-apis/application/v6/applications/me")
        platform.application.respond(400, json={"code": 99991672, "msg": "no scope"})
        yield platform


def test_scope_that_everybody_is_asked_for_or_somebody_granted_is_chosen_unasked(bot, platform) -> None:
    make_grant(bot, open_id="ou_other", scopes=["drive:drive"])
    make_grant(make_bot(), open_id="ou_other", scopes=["drive:drive.metadata:readonly"])
    assert choose_one(bot, ANY) == "drive:drive"
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=["drive:drive:readonly"])
    bot.refresh_from_db()
    assert choose_one(bot, ANY) == "drive:drive:readonly"
    assert choose_one(bot, ["a:b"]) == "a:b"
    assert not platform.calls


def test_scope_that_the_app_has_for_its_users_is_chosen(bot, platform) -> None:
    enabled = scopes("drive:drive", types=["user"]) + scopes("drive:drive:readonly", types=["tenant"])
    platform.application.respond(json=app_of(bot, scopes=enabled))
    assert choose_one(bot, ANY) == "drive:drive"


def test_narrowest_is_chosen_where_the_platform_says_nothing(bot, platform) -> None:
    assert choose_one(bot, ANY) == "drive:drive.metadata:readonly"
    platform.application.mock(side_effect=httpx2.ReadTimeout)
    assert choose_one(bot, ANY) == "drive:drive.metadata:readonly"
    assert platform.application.calls[-1].request.extensions["timeout"]["read"] <= one_of.SECONDS
