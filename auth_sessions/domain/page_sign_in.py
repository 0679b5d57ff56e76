"""People who show who they are before a page of theirs opens: the platform signs them in, for a while, in one browser.

For pages on which somebody decides something as a person. A link in a chat shows nothing of the kind: an agent that reads the
person's messages reads it as well. Nothing is stored for it; what the browser brings back is signed, and kept from scripts.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.person_sign_in import SignInsBusyError, sign_in_page, who_signed_in
from bots.models import Bot
from feishu.errors import FeishuError
from feishu.oauth import Pkce

logger = logging.getLogger(__name__)

STATE: Final = "page-"
"""What the state of such a sign-in begins with: it comes back to the same redirect URI as a consent's."""
SIGN_IN_TIME: Final = timedelta(minutes=10)
VISIT_TIME: Final = timedelta(minutes=15)
_UNDER_WAY: Final = "auth_sessions.page_sign_in.under_way"
_VISIT: Final = "auth_sessions.page_sign_in.visit"


class SignInEnd(StrEnum):
    """How the way to the platform ended; each but the first has a page."""

    SIGNED_IN = "signed_in"
    UNKNOWN = "unknown"
    DENIED = "denied"
    PLATFORM_ERROR = "platform_error"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person, as the platform tells the bot who they are."""

    open_id: str
    tenant_key: str


@dataclass(frozen=True, slots=True)
class Finished:
    """``page`` and ``browser``, the value of its cookie from now on, are there where somebody signed in."""

    end: SignInEnd
    page: str = ""
    browser: str = ""


def begin(bot: Bot, *, page: str) -> tuple[str, str]:
    """The address of the platform's page, and the value of the browser's cookie with which alone it may come back, to ``page``."""
    state = STATE + new_secret()
    browser = signing.dumps([digest(state), str(bot.pk), page], salt=_UNDER_WAY)
    return sign_in_page(bot, state=state, pkce=_pkce(state)), browser


def finish(*, app_id: str, state: str, code: str, error: str, browser: str) -> Finished:
    """Take the platform's answer. A state works in the browser that it was made for, for its bot; and once, because the browser's
    cookie is another one afterwards."""
    begun = _signed(browser, _UNDER_WAY, SIGN_IN_TIME)
    if begun is None or not constant_time_compare(begun[0], digest(state)):
        return Finished(SignInEnd.UNKNOWN)
    _state, bot_pk, page = begun
    bot = Bot.objects.filter(pk=bot_pk, app_id=app_id, enabled=True).first()
    if bot is None:
        return Finished(SignInEnd.UNKNOWN)
    if error == "access_denied":
        return Finished(SignInEnd.DENIED)
    try:
        who = who_signed_in(bot, code=code, error=error, verifier=_pkce(state).verifier)
    except SignInsBusyError:
        return Finished(SignInEnd.BUSY)
    except FeishuError as problem:
        logger.warning("page_sign_in_failed", extra={"error": str(problem)})
        return Finished(SignInEnd.PLATFORM_ERROR)
    visit = signing.dumps([str(bot.pk), bot.destination, who.open_id, who.tenant_key], salt=_VISIT)
    return Finished(SignInEnd.SIGNED_IN, page, visit)


def visitor(bot: Bot, *, browser: str) -> Visitor | None:
    """Who signed in through the bot, in the browser with this cookie, within ``VISIT_TIME``."""
    visit = _signed(browser, _VISIT, VISIT_TIME)
    if visit is None or visit[:2] != [str(bot.pk), bot.destination] or not visit[2]:
        return None
    return Visitor(open_id=visit[2], tenant_key=visit[3])


def _signed(value: str, salt: str, lasts: timedelta) -> list[Any] | None:
    try:
        said: list[Any] = signing.loads(value, salt=salt, max_age=lasts)
    except signing.BadSignature:
        return None
    return said


def _pkce(state: str) -> Pkce:
    """Of the state, by the portal's key: nobody else can tell the verifier."""
    return Pkce.of(salted_hmac(_UNDER_WAY, state, algorithm="sha256").hexdigest())
