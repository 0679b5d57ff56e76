"""QR codes and polls: how many, how often, and what becomes of each answer."""

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.utils import timezone

from bots.enums import RegistrationFailure, RegistrationState
from bots.errors import TooManyRegistrations
from bots.models import Bot, Registration
from bots.registration import flow
from bots.registration.preset import addons
from bots.tasks import sweep
from feishu.errors import FeishuError, TransportError
from tests.bots.registering import APP, APP_ID, FEISHU, INTERVAL, LARK, make_due
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

FEISHU_HOST, LARK_HOST = urlsplit(FEISHU).netloc, urlsplit(LARK).netloc


@pytest.fixture
def registration(platforms, operator) -> Registration:
    return flow.begin(operator)


def polled(registration: Registration) -> Registration:
    make_due(registration)
    flow.poll(registration.pk)
    registration.refresh_from_db()
    return registration


def test_code_is_shown_again_until_a_new_one_is_asked_for(platforms, operator):
    first = flow.begin(operator)
    assert flow.begin(operator) == first
    assert len(platforms.begun) == 1
    second = flow.begin(operator, again=True)
    assert second != first
    assert flow.latest(operator, None) == second
    first.refresh_from_db()
    assert first.state == RegistrationState.REPLACED
    assert (first.device_code, first.address) == ("", "")


def test_code_asks_for_what_the_portal_needs(registration):
    query = parse_qs(urlsplit(registration.address).query)
    assert query["source"] == ["python-sdk/feishu-portal"]
    assert "addons" in query
    assert "clientID" not in query


def test_code_for_a_bot_names_its_app_and_is_another_one(platforms, operator, registration):
    bot = make_bot(platform="feishu", open_url="", accounts_url="")
    extension = flow.begin(operator, bot=bot)
    assert parse_qs(urlsplit(extension.address).query)["clientID"] == [bot.app_id]
    assert flow.latest(operator, None) == registration
    assert flow.latest(operator, bot) == extension
    assert flow.latest(make_operator(), bot) is None


def test_code_of_a_bot_that_was_changed_gives_way_to_one_that_asks_for_more(platforms, operator):
    bot = make_bot(platform="feishu", open_url="", accounts_url="")
    first = flow.begin(operator, bot=bot)
    assert flow.begin(operator, bot=bot) == first
    bot.auth_scopes = [*bot.auth_scopes, "wiki:wiki:readonly"]
    second = flow.begin(operator, bot=bot)
    assert second != first
    assert flow.asks_for(second, addons(bot))
    assert not flow.asks_for(first, addons(bot))
    first.refresh_from_db()
    assert first.state == RegistrationState.REPLACED


def test_device_code_is_sealed_and_shown_by_nothing(registration):
    stored = Registration.objects.values("device_code", "address").get()
    assert "the-device-code" not in str(stored)
    assert "the-device-code" not in repr(registration)


def test_operator_cannot_ask_for_codes_without_end(platforms, operator):
    for _ in range(flow.MAX_SHOWN):
        flow.begin(operator, again=True)
    with pytest.raises(TooManyRegistrations):
        flow.begin(operator, again=True)
    assert len(platforms.begun) == flow.MAX_SHOWN
    assert flow.begin(operator).state == RegistrationState.WAITING
    Registration.objects.update(began_at=timezone.now() - flow.SHOWN_WITHIN)
    assert flow.begin(operator, again=True)


def test_codes_that_wait_in_the_whole_portal_are_bounded(platforms, operator, monkeypatch):
    monkeypatch.setattr(flow, "MAX_WAITING", 1)
    flow.begin(make_operator())
    with pytest.raises(TooManyRegistrations):
        flow.begin(operator)


def test_beginning_at_a_platform_that_is_away_leaves_nothing_behind(operator, platforms, monkeypatch):
    def fail(*_arguments: object, **_named: object) -> None:
        raise TransportError("no route")

    monkeypatch.setattr("bots.registration.flow.AppRegistration.begin", fail)
    with pytest.raises(FeishuError):
        flow.begin(operator)
    assert not Registration.objects.exists()


def test_platform_is_asked_no_more_often_than_it_allows(platforms, registration):
    flow.poll(registration.pk)
    assert not platforms.polls
    make_due(registration)
    for _ in range(5):
        flow.poll(registration.pk)
    assert len(platforms.polls) == 1
    registration.refresh_from_db()
    assert registration.state == RegistrationState.WAITING
    assert registration.next_poll_at > timezone.now()


def test_poll_that_is_under_way_is_not_sent_twice(platforms, registration):
    def poll_meanwhile(*_arguments: object) -> None:
        flow.poll(registration.pk)

    platforms.answers = [APP | {"client_secret": ""}]
    make_due(registration)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "give_back", lambda **_named: poll_meanwhile())
        flow.poll(registration.pk)
    assert len(platforms.polls) == 1


def test_asked_to_slow_down_it_slows_down(platforms, registration):
    platforms.answers = [{"error": "slow_down"}]
    before = timezone.now()
    polled(registration)
    assert registration.interval == INTERVAL + 5
    assert registration.next_poll_at > before + timedelta(seconds=INTERVAL + 4)


def test_person_on_lark_is_waited_for_there_from_then_on(platforms, registration):
    platforms.answers = [{"error": "authorization_pending", "user_info": {"tenant_brand": "lark"}}]
    polled(registration)
    assert registration.is_lark
    lark = APP | {"user_info": {"tenant_brand": "lark"}}
    platforms.answers = [lark]
    polled(registration)
    assert platforms.polls == [FEISHU_HOST, LARK_HOST, LARK_HOST]
    assert registration.bot.platform == "lark"


@pytest.mark.parametrize(
    ("error", "state"),
    [("access_denied", RegistrationState.DENIED), ("expired_token", RegistrationState.EXPIRED)],
)
def test_end_that_the_platform_tells_is_kept_and_destroys_the_code(platforms, registration, error, state):
    platforms.answers = [{"error": error}]
    polled(registration)
    assert registration.state == state
    assert (registration.device_code, registration.address) == ("", "")
    flow.poll(registration.pk)
    assert len(platforms.polls) == 1


def test_other_refusal_ends_it_with_the_platform_s_word(platforms, registration):
    platforms.answers = [{"error": "invalid_grant", "error_description": "used"}]
    polled(registration)
    assert (registration.state, registration.failure) == (
        RegistrationState.FAILED,
        RegistrationFailure.REFUSED,
    )
    assert registration.detail == "invalid_grant"


def test_platform_that_is_away_is_asked_again_and_the_page_can_say_so(platforms, registration, caplog):
    caplog.set_level(logging.WARNING)
    platforms.answers = [
        httpx2.ConnectError("no route"),
        httpx2.Response(429, headers={"Retry-After": "600"}),
    ]
    polled(registration)
    assert (registration.state, registration.trouble) == (RegistrationState.WAITING, "unreachable")
    before = timezone.now()
    polled(registration)
    assert registration.next_poll_at > before + timedelta(seconds=599)
    polled(registration)
    assert registration.trouble == ""
    assert "the-device-code" not in caplog.text


def test_nobody_confirms_in_time(platforms, registration):
    Registration.objects.update(expires_at=timezone.now())
    platforms.answers = [httpx2.ConnectError("no route")]
    assert polled(registration).state == RegistrationState.WAITING  # perhaps somebody has: asked once more
    assert polled(registration).state == RegistrationState.EXPIRED


def test_platform_that_stays_away_ends_it_as_well(platforms, registration):
    Registration.objects.update(expires_at=timezone.now() - flow.GRACE)
    platforms.answers = [httpx2.ConnectError("no route")]
    assert polled(registration).state == RegistrationState.EXPIRED


def test_code_that_was_confirmed_in_the_last_moment_counts(platforms, registration):
    Registration.objects.update(expires_at=timezone.now())
    platforms.answers = [APP]
    assert polled(registration).bot.app_id == APP_ID


def test_sweep_goes_on_where_no_page_is_open(platforms, registration, monkeypatch):
    sent = []
    monkeypatch.setattr("bots.tasks.notify", lambda *message: sent.append(message))
    sweep()
    assert not sent
    make_due(registration)
    sweep()
    assert sent == [("bots.poll_registration", str(registration.pk))]


def test_stand_in_of_the_settings_is_asked_in_place_of_feishu(operator, settings):
    settings.REGISTRATION_ADDRESSES = ["http://127.0.0.1:9", "http://127.0.0.1:9"]
    settings.PLATFORM_NETWORKS = ["public"]
    with pytest.raises(TransportError) as caught:
        flow.begin(operator)
    assert caught.value.reason == "forbidden_address"
    assert not Bot.objects.exists()
