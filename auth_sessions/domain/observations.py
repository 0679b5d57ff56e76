"""What authorizations and refreshes show of a bot's app, for the doctor.

A consent page that ends with an error never calls back (20027, 20029: page "How to resolve the authorization page 20029 error"): to
the portal it looks as if the person had opened the link and gone away. Where several did, or the first ones, that is worth a
warning.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from auth_sessions.enums import SessionState, Via
from auth_sessions.models import AuthSession, RefreshGate, UserToken
from bots.doctor.application import REFRESH_OFF
from bots.doctor.findings import Check, Finding
from bots.doctor.observations import Observation, register
from bots.enums import CheckResult
from bots.models import Bot
from feishu.categories import Category
from feishu.codes import explain
from feishu.text import Text

NOT_AVAILABLE: Final = frozenset({20010, 230013})
"""The person is outside the app's availability: at the consent page, and in the chat."""
_OF_THE_APP: Final = frozenset({Category.CONFIGURATION, Category.PERMISSION, Category.WRONG_BRAND})
"""What an administrator can set right; any other failure is one person's."""
PATIENCE: Final = timedelta(minutes=10)
"""For which a consent page may stay open."""
MANY: Final = 3
"""People who did not come back, after which it is no chance any more; the first one is enough where nobody ever did."""
_LOOKED_AT: Final = 100
"""Sessions, and tokens, of which the latest are read."""
_ENDED: Final = (SessionState.AUTHORIZED, SessionState.DENIED)
_ANSWERED: Final = Text("有人从授权页面返回", "Somebody has come back from it")
_AUTHORIZED: Final = Text("有人完成了授权", "Somebody has authorized")
_SEE_THE_PAGE: Final = Text(
    "打开授权链接，查看页面上的错误码：20029 检查重定向 URL，20027 检查用户身份的权限，20010 检查可用范围；修改后须发布版本",
    "Open an authorization link and read the code on the page: 20029 is the redirect URL, 20027 a scope of the user's identity, "
    "20010 the availability; publish a version after the change",
)


@register
def consents(bot: Bot) -> Iterator[Observation]:
    """How the latest authorizations of the bot went."""
    sessions = list(
        AuthSession.objects.filter(bot=bot)
        .only(
            "state", "via", "open_id", "scopes", "error_code", "error_log_id", "opened_at", "finished_at", "created_at", "state_used_at"
        )
        .order_by("-created_at", "-id")[:_LOOKED_AT]
    )  # fmt: skip
    yield from _authorizations(bot, sessions)
    yield from _refusals(sessions)
    yield from _never_back(sessions)


def _authorizations(bot: Bot, sessions: list[AuthSession]) -> Iterator[Observation]:
    for session in sessions:
        at = _end(session)
        if session.state in _ENDED:
            yield _in_order(Check.CONSENT, _ANSWERED, at)
            if session.via == Via.BROWSER:
                yield _in_order(Check.REDIRECT_URL, _ANSWERED, at)
        if session.state == SessionState.AUTHORIZED:
            yield _in_order(Check.FIRST_AUTHORIZATION, _AUTHORIZED, at)
            yield _in_order(Check.AVAILABILITY, _AUTHORIZED, at)
            if set(bot.auth_scopes) <= set(session.scopes):
                yield _in_order(Check.USER_SCOPES, _AUTHORIZED, at)


def _refusals(sessions: list[AuthSession]) -> Iterator[Observation]:
    for session in sessions:
        if session.state != SessionState.FAILED or session.error_code is None:
            continue
        info = explain(session.error_code)
        if session.error_code in NOT_AVAILABLE:
            check, result = Check.AVAILABILITY, CheckResult.WARNING
        elif info.category in _OF_THE_APP:
            check, result = Check.CONSENT, CheckResult.WRONG
        else:
            continue
        finding = Finding(
            check, result, info.cause, info.cure, code=session.error_code, log_id=session.error_log_id
        )
        yield Observation(finding, _end(session))


def _never_back(sessions: list[AuthSession]) -> Iterator[Observation]:
    latest_end = max((_end(session) for session in sessions if session.state in _ENDED), default=None)
    gone = [
        (session.open_id, session.opened_at)
        for session in sessions
        if session.via == Via.BROWSER
        and session.state in {SessionState.OPENED, SessionState.EXPIRED}
        and session.opened_at is not None
        and session.state_used_at is None
        and session.opened_at <= timezone.now() - PATIENCE
        and (latest_end is None or session.opened_at > latest_end)
    ]
    people = len({open_id for open_id, _opened_at in gone})
    if people >= (1 if latest_end is None else MANY):
        words = Text(
            f"{people} 人打开了授权页面而没有返回：平台可能在页面上显示了错误，而不会通知门户",
            f"{people} opened the consent page and did not come back: the platform may have shown an error there, of which it "
            "does not notify the portal",
        )
        at = max(opened_at for _open_id, opened_at in gone) + PATIENCE
        yield Observation(Finding(Check.CONSENT, CheckResult.WARNING, words, _SEE_THE_PAGE), at)


@register
def grants(bot: Bot) -> Iterator[Observation]:
    """That somebody has authorized, and whether the app may refresh: by its gate where the platform has refused, else by the
    newest tokens."""
    newest = UserToken.objects.filter(bot=bot).order_by("-authorized_at", "-id")
    times = list(newest.values_list("authorized_at", "refreshed_at")[:_LOOKED_AT])
    if times:
        yield _in_order(Check.FIRST_AUTHORIZATION, _AUTHORIZED, times[0][0])
    gate = RefreshGate.objects.filter(bot=bot, paused_at__isnull=False, code=REFRESH_OFF).first()
    if gate is not None and gate.paused_at is not None:
        info = explain(REFRESH_OFF)
        finding = Finding(
            Check.REFRESH, CheckResult.WRONG, info.cause, info.cure, code=REFRESH_OFF, log_id=gate.log_id
        )
        yield Observation(finding, gate.paused_at)
    elif latest := max((at for _authorized_at, at in times if at is not None), default=None):
        yield _in_order(Check.REFRESH, Text("有令牌刷新成功", "A token was refreshed"), latest)


def _end(session: AuthSession) -> datetime:
    return session.finished_at or session.created_at


def _in_order(check: Check, cause: Text, at: datetime) -> Observation:
    return Observation(Finding(check, CheckResult.OK, cause), at)
