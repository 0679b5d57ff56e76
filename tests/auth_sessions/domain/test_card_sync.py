import json
from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from auth_sessions.domain.card_sync import cards_to_sync, sync_card
from auth_sessions.domain.sessions import authorize_link, end_session, request_authorization
from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import AuthSession
from core.access.actors import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(bot) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)


def show(session: AuthSession) -> AuthSession:
    sync_card(session.pk)
    session.refresh_from_db()
    return session


def test_card_is_sent_to_the_person_with_the_one_time_link(session, platform):
    show(session)
    body = json.loads(platform.send.calls.last.request.content)
    assert (session.state, session.message_id) == (SessionState.SENT, "om_card")
    assert (body["receive_id"], body["msg_type"], body["uuid"]) == (
        "ou_asked",
        "interactive",
        str(session.pk),
    )
    assert authorize_link(session) in body["content"]
    assert platform.send.calls.last.request.url.params["receive_id_type"] == "open_id"


def test_shown_twice_is_sent_once(session, platform):
    show(show(session))
    assert platform.send.call_count == 1


def test_same_card_is_changed_when_the_session_ends(session, platform):
    show(session)
    end_session(session, state=SessionState.DENIED, actor=SYSTEM)
    show(session)
    assert platform.send.call_count == platform.patch.call_count == 1
    request = platform.patch.calls.last.request
    assert request.url.path.endswith("/om_card")
    card = json.loads(json.loads(request.content)["content"])
    assert card["config"]["update_multi"] is True
    assert "已拒绝授权" in json.dumps(card, ensure_ascii=False)
    assert session.card_state == SessionState.DENIED


@pytest.mark.parametrize(
    "reason",
    [
        FailureReason.WRONG_PERSON,
        FailureReason.OTHER_BROWSER,
        FailureReason.PLATFORM_ERROR,
        FailureReason.UNREACHABLE,
    ],
)
def test_each_failure_has_a_card_of_its_own_in_both_languages(session, platform, reason):
    show(session)
    end_session(session, state=SessionState.FAILED, reason=reason, actor=SYSTEM)
    show(session)
    card = json.loads(json.loads(platform.patch.calls.last.request.content)["content"])
    body = card["body"]["elements"][0]["i18n_content"]
    assert body["zh_cn"] != body["en_us"]
    assert "/oauth/start/" not in json.dumps(card)


def test_card_that_cannot_be_sent_for_now_is_tried_again_later(session, platform):
    platform.send.mock(return_value=httpx2.Response(400, json={"code": 230020, "msg": "rate limit"}))
    show(session)
    assert (session.state, session.card_attempts) == (SessionState.PENDING, 1)
    assert session.card_retry_at > timezone.now()
    assert "230020" in session.card_error


def test_card_that_will_never_be_sent_fails_the_session_with_the_platforms_code(session, platform):
    platform.send.mock(
        return_value=httpx2.Response(400, json={"code": 230013, "msg": "no"}, headers={"X-Tt-Logid": "log-1"})
    )
    show(session)
    assert (session.state, session.reason) == (SessionState.FAILED, FailureReason.CARD_NOT_SENT)
    assert (session.error_code, session.error_log_id) == (230013, "log-1")


def test_card_that_was_recalled_is_given_up(session, platform):
    show(session)
    end_session(session, state=SessionState.EXPIRED, actor=SYSTEM)
    platform.patch.mock(return_value=httpx2.Response(400, json={"code": 230011, "msg": "recalled"}))
    assert show(session).card_given_up
    assert cards_to_sync() == []


def test_sweep_finds_cards_that_were_never_sent_or_are_not_true_any_more(bot, platform, settings):
    settings.SWEEP_SECONDS = 0
    unsent, ended, fine = (
        request_authorization(bot=bot, open_id=f"ou_{number}", actor=SYSTEM) for number in range(3)
    )
    show(ended)
    end_session(ended, state=SessionState.EXPIRED, actor=SYSTEM)
    show(fine)
    assert cards_to_sync() == [unsent.pk, ended.pk]


def test_sweep_leaves_a_card_alone_until_its_next_try(session, settings):
    settings.SWEEP_SECONDS = 0
    AuthSession.objects.update(card_retry_at=timezone.now() + timedelta(minutes=1))
    assert cards_to_sync() == []
