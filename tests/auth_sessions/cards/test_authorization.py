"""What a person reads on the card: what they are asked for, by whom and what for."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.cards.authorization import authorization_card
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession
from bots.models import Bot
from core.access.actors import SYSTEM, Actor
from tests.factories import make_client, make_operator

pytestmark = pytest.mark.django_db


def card_of(session: AuthSession) -> str:
    return json.dumps(
        authorization_card(session, link="https://portal.test/oauth/start/x/"), ensure_ascii=False
    )


def asked(bot: Bot, actor: Actor = SYSTEM, **values) -> AuthSession:
    return request_authorization(bot=bot, open_id="ou_asked", actor=actor, **values)


@pytest.mark.parametrize("values", [{}, {"added_scopes": ["task:task:read"]}])
def test_scopes_are_named_in_both_languages(bot, values):
    card = card_of(asked(bot, scopes=["offline_access", "task:task:read"], **values))
    assert "查看任务" in card
    assert "View tasks" in card
    assert "task:task:read" not in card


def test_scope_without_a_name_stands_as_it_is_written(bot):
    assert "odd:scope" in card_of(asked(bot, scopes=["odd:scope"]))


@pytest.mark.parametrize("values", [{}, {"added_scopes": ["offline_access"]}])
def test_purpose_and_the_system_that_asks_stand_on_the_card(bot, values):
    card = card_of(asked(bot, Actor.api(make_client("CRM")), why="同步客户", **values))
    for words in ("用途：同步客户", "Purpose: 同步客户", "由 CRM 申请", "Requested by CRM"):
        assert words in card


def test_card_of_an_operator_does_not_give_their_name(bot):
    card = card_of(asked(bot, Actor.operator(make_operator("lin.secret"))))
    assert "由管理员申请" in card
    assert "lin.secret" not in card


@pytest.mark.parametrize("actor", [SYSTEM, Actor.user("ou_asked")])
def test_nobody_else_asks_where_the_person_or_the_portal_does(bot, actor):
    card = card_of(asked(bot, actor))
    assert "申请" not in card
    assert "用途" not in card


def test_end_of_today_is_given_to_the_minute(bot, monkeypatch):
    until = timezone.localtime(timezone.now() + timedelta(days=3))
    session = asked(bot, renews_until=until)
    assert f" {until.month} 月 {until.day} 日到期" in card_of(session)
    monkeypatch.setattr(timezone, "localdate", until.date)
    assert f"今天 {until:%H:%M} 到期" in card_of(session)


def test_superseded_card_leads_to_the_newest(bot):
    session = asked(bot)
    session.state = SessionState.SUPERSEDED
    card = json.dumps(authorization_card(session, link=""), ensure_ascii=False)
    assert "请以最新的卡片为准" in card
    assert "button" not in card
