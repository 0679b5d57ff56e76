"""Another platform or another address: no token that the former one issued is sent there."""

from typing import Any

import pytest
from django.utils import timezone

from auth_sessions.domain.refresh import claim as claims
from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import RefreshOutcome, SessionState, TokenStatus
from auth_sessions.models import AuthSession, UserToken
from bots.models import Bot
from bots.service import BotChanges, put_bot
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.vault.keyring import SealedValueError
from feishu.oauth import TokenSet
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db

NEW = {"app_secret": "given again", "open_url": "https://new.test", "accounts_url": "https://new.test"}


def move(bot: Bot, **values: Any) -> None:
    put_bot(app_id=bot.app_id, changes=BotChanges(values or NEW), actor=SYSTEM)


def test_every_grant_needs_new_consent_and_holds_no_token() -> None:
    bot, other = make_bot(), make_bot()
    grant, kept = make_grant(bot), make_grant(other)
    move(bot)
    grant.refresh_from_db()
    kept.refresh_from_db()
    assert (grant.status, grant.access_token, grant.refresh_token) == (TokenStatus.NEEDS_REAUTH, "", "")
    assert grant.next_refresh_at is None
    assert (kept.status, kept.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-1")
    assert AuditEntry.objects.get(action="user_token.destination_changed").detail == {"grants": 1}


@pytest.mark.parametrize(
    "values",
    [{"name": "Renamed"}, {"app_secret": "rotated"}, {"app_secret": "s", "token_endpoint": "v2"},
     {"app_secret": "s", "browser_url": "https://browser.test"}],
)  # fmt: skip
def test_what_sends_tokens_nowhere_else_costs_no_consent(values: dict[str, str]) -> None:
    grant = make_grant(make_bot())
    move(grant.bot, **values)
    grant = UserToken.objects.get(pk=grant.pk)
    assert (grant.status, grant.refresh_token) == (TokenStatus.ACTIVE, "refresh-token-1")


def test_tokens_do_not_open_for_another_address() -> None:
    grant = make_grant(make_bot())
    Bot.objects.update(accounts_url="https://elsewhere.test")  # past every check
    grant = UserToken.objects.get(pk=grant.pk)
    for name in ("access_token", "refresh_token"):
        with pytest.raises(SealedValueError, match="another destination"):
            getattr(grant, name)


def test_answer_to_a_refresh_in_flight_is_not_stored() -> None:
    grant = make_grant(make_bot(), next_refresh_at=timezone.now())
    [claim] = claims.claim(grant.bot, [grant.pk])
    claims.mark_sending(claim, "refresh-token-1")
    move(grant.bot)
    tokens = TokenSet("access-token-2", 7200, "refresh-token-2", 604800, ("offline_access",))
    assert commit(claim, SubmissionResult(RefreshOutcome.OK, tokens=tokens), asked_at=timezone.now()) is None
    grant.refresh_from_db()
    assert (grant.status, grant.refresh_token) == (TokenStatus.NEEDS_REAUTH, "")


def test_open_sessions_are_cancelled() -> None:
    bot = make_bot()
    session = request_authorization(bot=bot, open_id="ou_asked", actor=SYSTEM)
    move(bot)
    assert AuthSession.objects.get(pk=session.pk).state == SessionState.CANCELLED
