"""Asking the platform who somebody is: for operators who sign in, and for people who connect an agent.

The access token is used for one question, who it is, and dropped: without ``offline_access`` it ends by itself.
"""

from typing import Final

from bots.models import Bot
from core.background.limits import ConcurrencyLimits
from core.database.connections import give_back
from core.database.text import storable
from feishu.errors import OAuthError
from feishu.oauth import OAuth, Pkce, UserInfo, authorize_url

AT_ONCE: Final = 4
"""Answers of the platform awaited at once in one process; each holds the thread of its request."""
_places = ConcurrencyLimits()


class SignInsBusyError(Exception):
    """As many answers are awaited as may be; the platform was not asked."""


def sign_in_page(bot: Bot, *, state: str, pkce: Pkce) -> str:
    """The address of the platform's page where a person signs in, and allows nothing."""
    return authorize_url(
        bot.addresses,
        app_id=bot.app_id,
        redirect_uri=bot.redirect_uri,
        scopes=(),
        state=state,
        challenge=pkce.challenge,
    )


def who_signed_in(bot: Bot, *, code: str, error: str, verifier: str) -> UserInfo:
    """The person to whom the platform gave ``code``. Raises FeishuError, and SignInsBusyError."""
    with _places.place("platform", limit=AT_ONCE, full=SignInsBusyError()):
        if error or not code:
            raise OAuthError(storable(error, 100) or "neither a code nor an error came back")
        give_back(before_waiting=True)
        oauth = OAuth(bot.credentials)
        tokens = oauth.exchange_code(code=code, redirect_uri=bot.redirect_uri, verifier=verifier)
        return oauth.user_info(tokens.access_token)
