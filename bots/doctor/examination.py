"""The order of the examination. What cannot be looked at is said, and holds up nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from django.utils import timezone

from bots.doctor import application, connections, first_use, portal
from bots.doctor.case import Case
from bots.doctor.findings import AFTER_ANOTHER, Check, Finding
from bots.doctor.observations import observed, supersedes
from bots.doctor.people import people
from bots.doctor.scopes import offline_access_not_asked
from bots.enums import CheckResult
from bots.models import Bot
from core.database.connections import give_back
from feishu.errors import FeishuError, TransportError
from feishu.text import Text
from feishu.transport import Transport, default_transport

Examine: TypeAlias = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class _Step:
    check: Check
    examine: Examine
    reports: tuple[Check, ...] = ()
    """What else it has findings for."""
    with_token: bool = True
    """It calls the platform as the app, which takes the app's token."""
    long_connection_only: bool = False


_STEPS: Final = (
    _Step(Check.CREDENTIALS, connections.credentials, with_token=False),
    _Step(Check.LONG_CONNECTION, connections.long_connection, with_token=False, long_connection_only=True),
    _Step(Check.CONNECTIONS, connections.online, long_connection_only=True),
    _Step(Check.BOT, application.bot_capability),
    _Step(
        Check.APPLICATION,
        application.application,
        reports=(
            Check.USER_SCOPES,
            Check.EVENTS,
            Check.MESSAGES,
            Check.CALLBACKS,
            Check.CLICKS,
            Check.REDIRECT_URL,
            Check.REFRESH,
            Check.VERSION,
        ),
    ),
)


def examine(
    bot: Bot, *, transport: Transport | None = None, tells_proxy_errors: bool = False
) -> list[Finding]:
    """Every finding; takes seconds, and at worst the transport's time limit for each of half a dozen calls."""
    return list(examination(bot, transport=transport, tells_proxy_errors=tells_proxy_errors))


def examination(
    bot: Bot, *, transport: Transport | None = None, tells_proxy_errors: bool = False
) -> Iterator[Finding]:
    """The findings one by one, as they come in. Changes nothing at the platform, and here only what is known of the bot.

    `tells_proxy_errors`: for administrators and whoever has a shell, who may know how the bot's own proxy failed.
    """
    seen = observed(bot)
    now = timezone.now()
    for finding in _looked_at(bot, transport, tells_proxy_errors=tells_proxy_errors):
        one = seen.pop(finding.check, None)
        yield one.finding if one and supersedes(one, finding, now) else finding
    yield from (one.finding for one in seen.values())


def _looked_at(bot: Bot, transport: Transport | None, *, tells_proxy_errors: bool) -> Iterator[Finding]:
    secret = portal.app_secret(bot)
    yield secret
    case = None
    if secret.result is CheckResult.OK:
        credentials = replace(bot.credentials, tells_proxy_errors=tells_proxy_errors)
        case = Case(bot, credentials, transport or default_transport(credentials.route))
    for step in _STEPS:
        if not step.long_connection_only or bot.uses_connection:
            yield from _taken(step, case)
    yield from portal.webhook_keys(bot)
    yield people(bot)
    yield portal.clock()
    yield portal.public_url(bot)
    yield from portal.proxy_variables(bot)
    yield from first_use.awaited()


def examine_setup(bot: Bot) -> Iterator[Finding]:
    """What can be found without asking the platform, in no time."""
    yield portal.app_secret(bot)
    yield portal.public_url(bot)
    yield from portal.proxy_variables(bot)
    yield from portal.webhook_keys(bot)
    yield people(bot)
    if finding := offline_access_not_asked(bot.auth_scopes):
        yield finding


def _taken(step: _Step, case: Case | None) -> Iterator[Finding]:
    if case is None:
        yield from _impossible(step, Text("缺少可用的 App Secret", "It takes an App Secret that can be read"))
    elif case.is_unreached:
        yield from _impossible(step, Text("无法连接平台", "The platform cannot be reached"))
    elif step.with_token and not case.admitted:
        yield from _impossible(
            step, Text("平台没有签发应用凭证", "The platform did not issue the app's token")
        )
    else:
        give_back(before_waiting=True)
        try:
            yield from step.examine(case)
        except FeishuError as error:
            case.is_unreached = isinstance(error, TransportError) and not case.admitted
            yield case.refused(step.check, error)


def _impossible(step: _Step, reason: Text) -> Iterator[Finding]:
    for check in (step.check, *step.reports):
        yield Finding(
            check,
            CheckResult.UNKNOWN,
            Text(f"未检查：{reason.zh_cn}", f"Not examined: {reason.en_us}"),
            AFTER_ANOTHER,
        )
