"""Of scopes any one of which is enough, the one to ask a person for: a scope that the app does not have fails the whole consent."""

import logging
from collections.abc import Collection, Sequence
from typing import Final

from auth_sessions.domain.tokens.outside import refuse_transactions
from auth_sessions.models import UserToken
from bots.models import Bot
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.scopes import narrowest
from feishu.transport import Transport

logger = logging.getLogger(__name__)

SECONDS: Final = 3.0
"""For asking the platform."""
MAX_GRANTS: Final = 20
"""The newest ones, of which the scopes are looked at."""


def choose_one(bot: Bot, scopes: Sequence[str], *, transport: Transport | None = None) -> str:
    """One that the bot asks everybody for, or that somebody has granted; else one that the platform says the app has; of several,
    and where nobody knows, the narrowest. May ask the platform. Raises InTransactionError."""
    if len(scopes) == 1:
        return scopes[0]
    refuse_transactions()
    proven = _among(scopes, _granted(bot)) or _among(scopes, _enabled(bot, transport))
    return narrowest(proven or scopes)


def _among(scopes: Sequence[str], known: Collection[str]) -> list[str]:
    return [scope for scope in scopes if scope in known]


def _granted(bot: Bot) -> set[str]:
    newest = UserToken.objects.filter(bot=bot).order_by("-authorized_at").values_list("scopes", flat=True)
    return {*bot.auth_scopes, *(scope for scopes in newest[:MAX_GRANTS] for scope in scopes)}


def _enabled(bot: Bot, transport: Transport | None) -> set[str]:
    """What the platform says that the app's users may grant; empty where it does not say."""
    give_back(before_waiting=True)
    try:
        app = OpenAPI(bot.credentials, transport).application(timeout=SECONDS)
    except (FeishuError, SealedValueError) as error:
        logger.info("scopes_of_app_unknown", extra={"app_id": bot.app_id, "error": type(error).__name__})
        return set()
    return {scope.name for scope in app.scopes or () if scope.serves("user")}
