"""Are the credentials good, would a long connection be let in, and who holds those that are up?"""

from collections.abc import Iterator
from typing import Final

from bots.connections import advice
from bots.connections.platform_count import Difference, compare, open_connections
from bots.connections.status import statuses
from bots.doctor.case import Case
from bots.doctor.findings import Check, Finding
from bots.doctor.observations import Observation, register
from bots.enums import CheckResult, SlotState
from bots.models import Bot, PlatformCount
from core.database.clock import DatabaseTime
from feishu.categories import Category
from feishu.errors import APIError, ConnectError, FeishuError
from feishu.long_connection.probe import probe
from feishu.text import Text

_CHECK_AGAIN: Final = Text(
    "连接正在建立、迁移或断开，请几分钟后再检查",
    "Connections are being opened, moved or closed just now: check again in a few minutes",
)


def credentials(case: Case) -> Iterator[Finding]:
    """The app's token, asked for again."""
    try:
        case.tokens.get(case.credentials)
    except APIError as error:
        yield case.wrong_brand(Check.CREDENTIALS, error) or case.refused(Check.CREDENTIALS, error)
        return
    case.admitted = True
    yield Finding(
        Check.CREDENTIALS,
        CheckResult.OK,
        Text("平台接受了 App ID 与 App Secret", "The platform accepts App ID and App Secret"),
    )


def long_connection(case: Case) -> Iterator[Finding]:
    """The gateway's address, which is not dialled."""
    try:
        probe(case.credentials, case.transport)
    except ConnectError as error:
        yield case.wrong_brand(Check.LONG_CONNECTION, error) or _not_let_in(case, error)
        return
    yield Finding(
        Check.LONG_CONNECTION,
        CheckResult.OK,
        Text("平台允许建立长连接", "Long connections are allowed"),
    )


def _not_let_in(case: Case, error: ConnectError) -> Finding:
    limit = error.info.category is Category.CONNECTION_LIMIT
    # One connection more than there may be is refused; the bot needs none where all of its own are open.
    complete = limit and open_connections(case.bot).count >= case.bot.slot_count
    return case.refused(Check.LONG_CONNECTION, error, result=CheckResult.WARNING if complete else None)


def online(case: Case) -> Iterator[Finding]:
    """The platform's own count against ours, which is read before and after: connections come and go."""
    before = open_connections(case.bot)
    try:
        count = case.api.connection_count()
    except FeishuError as error:
        yield case.refused(Check.CONNECTIONS, error, result=CheckResult.UNKNOWN)
        return
    if count is None:
        yield Finding(
            Check.CONNECTIONS,
            CheckResult.UNKNOWN,
            Text("平台没有给出在线连接数", "The platform gives no number of connections"),
            Text(
                "若收不到事件，请确认没有其他程序使用同一应用建立长连接",
                "If events are missing, make sure that no other program holds a connection with this app",
            ),
        )
        return
    found = compare(case.bot, online=count, before=before, after=open_connections(case.bot))
    # A process that hangs keeps its sockets, which the platform counts: they are no other program's.
    is_ours = found.difference is Difference.MORE and count <= found.held + _left_behind(case.bot)
    if found.difference is Difference.NONE or is_ours:
        yield _as_wanted(case)
        return
    explained = advice.foreign if found.difference is Difference.MORE else advice.half_open
    info = explained(online=count, held=found.held)
    if found.is_conclusive:
        yield Finding(Check.CONNECTIONS, CheckResult.WRONG, info.cause, info.cure)
    else:
        yield Finding(Check.CONNECTIONS, CheckResult.UNKNOWN, info.cause, _CHECK_AGAIN)


@register
def opened(bot: Bot) -> Iterator[Observation]:
    """All connections are up by now: those of a bot that was just added open while it is examined."""
    if not bot.uses_connection or PlatformCount.objects.foreign().filter(bot=bot).exists():
        return
    since = list(bot.slots.connected().values_list("connected_at", flat=True))
    moments = [moment for moment in since if moment is not None]
    if len(moments) >= bot.slot_count:
        words = Text(f"{len(moments)} 条，均已建立", f"{len(moments)}, all of them up")
        yield Observation(Finding(Check.CONNECTIONS, CheckResult.OK, words), max(moments), settles=False)


def _left_behind(bot: Bot) -> int:
    """Connections that a process had, and may have: it has not been heard of since its lease ended."""
    return bot.slots.filter(state=SlotState.CONNECTED, lease_until__lte=DatabaseTime()).count()


def _as_wanted(case: Case) -> Finding:
    [status] = statuses([case.bot])
    connected, wanted = status.connected_count, len(status.slots)
    if not status.is_wanted:
        words = Text("机器人不需要长连接", "The bot is disconnected or switched off and needs none")
        return Finding(Check.CONNECTIONS, CheckResult.OK, words)
    if connected >= wanted:
        words = Text(
            f"{connected} 条，平台的计数与门户一致", f"{connected}, on the platform's count and on ours"
        )
        return Finding(Check.CONNECTIONS, CheckResult.OK, words)
    words = Text(f"应有 {wanted} 条，现有 {connected} 条", f"{connected} of {wanted} are up")
    diagnosis = status.diagnosis()
    if diagnosis is None:
        return Finding(Check.CONNECTIONS, CheckResult.WAITING, words, _CHECK_AGAIN)
    info = diagnosis.info
    return Finding(
        Check.CONNECTIONS,
        CheckResult.WARNING,
        Text(f"{words.zh_cn}：{info.cause.zh_cn}", f"{words.en_us}: {info.cause.en_us}"),
        info.cure,
        code=info.code,
    )
