"""A page that is one person's opens for whom the platform names, in the browser that asked, and for a while."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from auth_sessions.domain import page_sign_in, person_sign_in
from auth_sessions.domain.page_sign_in import VISIT_TIME, Finished, SignInEnd, Visitor, begin, finish, visitor
from bots.models import Bot
from tests.auth_sessions.agents import Platform, query_of
from tests.factories import make_bot, move_bot

pytestmark = pytest.mark.django_db
PAGE = "/oauth/approvals/x/"


@pytest.fixture
def platform(monkeypatch) -> Platform:
    made = Platform()
    monkeypatch.setattr(person_sign_in, "OAuth", lambda _credentials: made)
    return made


def end(bot: Bot, state: str, browser: str, **values: str) -> Finished:
    return finish(
        **{"app_id": bot.app_id, "state": state, "code": "c", "error": "", "browser": browser} | values
    )


def begun(bot: Bot) -> tuple[str, str]:
    address, browser = begin(bot, page=PAGE)
    return query_of(address)["state"], browser


def test_whom_the_platform_names_visits_for_a_while(bot, platform, time_machine) -> None:
    finished = end(bot, *begun(bot))
    assert (finished.end, finished.page) == (SignInEnd.SIGNED_IN, PAGE)
    assert visitor(bot, browser=finished.browser) == Visitor("ou_asked", "tenant")
    time_machine.move_to(timezone.now() + VISIT_TIME + timedelta(seconds=1))
    assert visitor(bot, browser=finished.browser) is None


def test_nothing_is_asked_of_the_person(bot) -> None:
    address, _browser = begin(bot, page=PAGE)
    query = query_of(address)
    assert "scope" not in query
    assert query["code_challenge_method"] == "S256"


def test_state_works_in_its_browser_for_its_bot_and_in_time(bot, platform, time_machine) -> None:
    state, browser = begun(bot)
    other_state, other_browser = begun(bot)
    unknown = Finished(SignInEnd.UNKNOWN)
    for wrong in (
        {"browser": other_browser}, {"browser": ""}, {"browser": browser + "x"}, {"state": other_state}, {"state": ""},
        {"app_id": make_bot().app_id},
    ):  # fmt: skip
        assert end(bot, **{"state": state, "browser": browser} | wrong) == unknown, wrong
    finished = end(bot, state, browser)
    assert end(bot, state, finished.browser) == unknown, "the browser has another cookie now"
    Bot.objects.update(enabled=False)
    assert end(bot, state, browser) == unknown
    Bot.objects.update(enabled=True)
    time_machine.move_to(timezone.now() + page_sign_in.SIGN_IN_TIME + timedelta(seconds=1))
    assert end(bot, state, browser) == unknown


def test_visit_is_of_one_bot_where_it_is(bot, platform) -> None:
    browser = end(bot, *begun(bot)).browser
    assert visitor(make_bot(), browser=browser) is None
    assert visitor(bot, browser=begun(bot)[1]) is None, "on the way"
    assert visitor(bot, browser=signing.dumps([str(bot.pk), bot.destination, "ou_asked", ""])) is None
    move_bot(bot, platform="lark")
    bot.refresh_from_db()
    assert visitor(bot, browser=browser) is None


def test_refusals_of_person_and_platform_are_told_apart(bot, platform, monkeypatch) -> None:
    assert end(bot, *begun(bot), error="access_denied").end == SignInEnd.DENIED
    platform.refuses = True
    assert end(bot, *begun(bot)).end == SignInEnd.PLATFORM_ERROR
    assert end(bot, *begun(bot), code="").end == SignInEnd.PLATFORM_ERROR
    monkeypatch.setattr(person_sign_in, "AT_ONCE", 0)
    assert end(bot, *begun(bot)).end == SignInEnd.BUSY


def test_person_without_a_name_is_nobody(bot, platform) -> None:
    platform.person = ""
    assert visitor(bot, browser=end(bot, *begun(bot)).browser) is None
