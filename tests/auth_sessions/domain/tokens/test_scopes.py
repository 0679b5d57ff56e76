"""Incremental consent: more on top of what is granted."""

import json

import pytest
from django.db import transaction

from auth_sessions.cards.authorization import authorization_card
from auth_sessions.domain.sessions import cancel_session, end_session
from auth_sessions.domain.tokens.scopes import REQUESTS_A_DAY, ask_for_scopes, lacking, wanted_scopes
from auth_sessions.enums import SessionState, TokenStatus
from auth_sessions.errors import AskedTooOftenError, InTransactionError
from auth_sessions.models import AuthSession, UserToken
from core.access.actors import SYSTEM
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    bot.auth_scopes = ["offline_access"]
    return make_grant(bot, scopes=["offline_access", "im:message"])


def ask(grant: UserToken, *scopes: str, **values) -> AuthSession | None:
    return ask_for_scopes(grant=grant, scopes=scopes, actor=SYSTEM, **values)


def test_one_consent_covers_what_is_granted_and_what_is_missing(grant):
    session = ask(grant, "task:task:read", "im:message")
    assert session.scopes == ["task:task:read", "offline_access", "im:message"]
    assert session.added_scopes == ["task:task:read"]


def test_one_request_asks_for_all_that_is_missing_of_what_the_bot_asks_everybody_for(grant):
    grant.bot.auth_scopes = ["offline_access", "calendar:calendar:read", "task:task:read"]
    assert ask(grant, "im:message") is None
    session = ask(grant, "task:task:read")
    assert session.added_scopes == ["task:task:read", "calendar:calendar:read"]


def test_card_names_what_comes_on_top_and_why(grant):
    session = ask(grant, "task:task:read", why="CRM 需要读取 *任务*")
    card = json.dumps(authorization_card(session, link="https://portal.test/x"), ensure_ascii=False)
    assert "查看任务" in card
    assert "View tasks" in card
    assert "Read and send messages" not in card
    assert "CRM 需要读取 &#42;任务&#42;" in card


def test_nothing_is_asked_where_nothing_is_lacking(grant):
    assert ask(grant, "im:message") is None
    assert not AuthSession.objects.exists()


def test_while_a_request_is_open_nobody_is_asked_again(grant):
    assert ask(grant, "task:task:read", "docx:document").pk == ask(grant, "docx:document").pk
    assert AuthSession.objects.count() == 1


def test_denial_keeps_the_grant_and_is_respected_for_a_day(grant):
    session = ask(grant, "task:task:read")
    end_session(session, state=SessionState.DENIED, actor=SYSTEM)
    with pytest.raises(AskedTooOftenError):
        ask(grant, "task:task:read")
    grant.refresh_from_db()
    assert (grant.status, grant.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-1")
    card = json.dumps(authorization_card(session, link=""), ensure_ascii=False)
    assert "已有的授权保持不变" in card
    assert ask(grant, "docx:document") is not None


def test_person_is_asked_for_more_a_few_times_a_day_at_most(grant):
    for number in range(REQUESTS_A_DAY):
        cancel_session(ask(grant, f"scope:{number}"), actor=SYSTEM)
    with pytest.raises(AskedTooOftenError):
        ask(grant, "scope:another")


def test_stranger_is_not_counted_in(grant, bot):
    for number in range(REQUESTS_A_DAY):
        ask(make_grant(bot, open_id=f"ou_{number}"), "task:task:read")
        ask(make_grant(make_bot()), "task:task:read")
    assert ask(grant, "task:task:read").open_id == "ou_asked"


def test_request_takes_no_more_than_the_platform_does(bot):
    grant = make_grant(bot, scopes=[f"scope:{n}" for n in range(50)])
    session = ask(grant, "task:task:read")
    assert len(session.scopes) == 50
    assert session.scopes[0] == "task:task:read"


def test_wanted_is_what_the_bot_asks_for_and_what_the_person_was_asked_for(grant):
    ask(grant, "task:task:read")
    grant.bot.auth_scopes = ["contact:user.base:readonly"]
    wanted = wanted_scopes(grant)
    assert lacking(grant, wanted) == ["contact:user.base:readonly", "task:task:read"]


def test_of_scopes_any_of_which_is_enough_the_one_that_the_app_has_is_asked_for(grant):
    make_grant(grant.bot, open_id="ou_other", scopes=["drive:drive"])
    session = ask(grant, "drive:drive:readonly", "drive:drive", one_of=True)
    assert session.added_scopes == ["drive:drive"]
    assert ask(grant, "docx:document", "im:message", one_of=True) is None, "one is enough"


@pytest.mark.django_db(transaction=True)
def test_what_the_app_has_is_not_asked_in_a_transaction(grant):
    with transaction.atomic(), pytest.raises(InTransactionError):
        ask(grant, "drive:drive:readonly", "drive:drive", one_of=True)
