"""Are the credentials good, would a long connection be let in, and who holds those that are up?"""

from collections.abc import Iterator

from bots.doctor.case import Case
from bots.doctor.findings import Check, Finding, Verdict
from bots.enums import SlotState
from core.database.clock import DatabaseTime
from feishu.categories import Category
from feishu.codes import explain
from feishu.errors import APIError, ConnectError, FeishuError
from feishu.long_connection.probe import probe
from feishu.text import Text


def credentials(case: Case) -> Iterator[Finding]:
    """The app's token, asked for anew."""
    try:
        case.tokens.get(case.credentials)
    except APIError as error:
        yield case.wrong_brand(Check.CREDENTIALS, error) or case.refused(Check.CREDENTIALS, error)
        return
    case.admitted = True
    yield Finding(
        Check.CREDENTIALS,
        Verdict.OK,
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
        Verdict.OK,
        Text("平台允许建立长连接", "The platform would let a long connection in"),
    )


def _not_let_in(case: Case, error: ConnectError) -> Finding:
    limit = error.info.category is Category.CONNECTION_LIMIT
    # One connection more than there may be is refused; the bot needs none where all of its own are up.
    complete = limit and _connected(case) >= case.bot.slot_count
    return case.refused(Check.LONG_CONNECTION, error, verdict=Verdict.WARNING if complete else None)


def online(case: Case) -> Iterator[Finding]:
    """The platform's own count against ours, which is read before and after: connections come and go."""
    before, moving_before = _connected(case), _moving(case)
    try:
        count = case.api.connection_count()
    except FeishuError as error:
        yield case.refused(Check.CONNECTIONS, error, verdict=Verdict.UNKNOWN)
        return
    after, moving_after = _connected(case), _moving(case)
    most = max(before + moving_before, after + moving_after)
    if count is None:
        yield Finding(
            Check.CONNECTIONS,
            Verdict.UNKNOWN,
            Text("平台没有给出在线连接数", "The platform gives no number of connections"),
            Text(
                "若收不到事件，请确认没有其他程序使用同一应用建立长连接",
                "If events are missing, make sure that no other program holds a connection with this app",
            ),
        )
    elif count > most:
        yield _surplus(count, most)
    elif count < min(before, after):
        yield _half_open(count, min(before, after))
    else:
        yield _as_wanted(case, after)


def _surplus(count: int, ours: int) -> Finding:
    return Finding(
        Check.CONNECTIONS,
        Verdict.WRONG,
        Text(
            f"平台上有 {count} 条长连接，门户只持有 {ours} 条：其余 {count - ours} 条会随机拿走事件",
            f"The platform counts {count} connections and the portal holds {ours}: the other {count - ours} "
            f"take events away at random",
        ),
        Text(
            "停止使用同一应用的其他程序（开发机、旧部署），或重置 App Secret 使其无法再连接；"
            "若门户刚刚重启过，请几分钟后再检查：断开的连接会自行失效",
            "Stop other programs that use this app (a developer's machine, an old deployment), or reset the App Secret "
            "so that they cannot connect again; after a restart of the portal, look again in a few minutes: "
            "what is left of old connections ends by itself",
        ),
    )


def _half_open(count: int, ours: int) -> Finding:
    return Finding(
        Check.CONNECTIONS,
        Verdict.WRONG,
        Text(
            f"门户记录了 {ours} 条已连接的长连接，平台只看到 {count} 条：有连接已断而未被察觉，或持有它的进程已退出",
            f"The portal has {ours} connections down as up and the platform counts {count}: one is half open, "
            f"or the process that held it died",
        ),
        Text(
            "确认 runfeishu 正在运行；半开的连接会在两个心跳周期后自动重建，若没有，请重启 runfeishu",
            "Make sure runfeishu is running; a half-open connection is replaced after two heartbeats; "
            "if not, restart runfeishu",
        ),
    )


def _as_wanted(case: Case, connected: int) -> Finding:
    wanted = case.bot.slot_count if case.bot.enabled else 0
    if connected >= wanted:
        words = Text(
            f"{connected} 条，平台的计数与门户一致" if wanted else "机器人已停用，不需要长连接",
            f"{connected}, on the platform's count and on ours"
            if wanted
            else "The bot is switched off and needs none",
        )
        return Finding(Check.CONNECTIONS, Verdict.OK, words)
    code = case.bot.slots.filter(error_code__isnull=False).values_list("error_code", flat=True).first()
    return Finding(
        Check.CONNECTIONS,
        Verdict.WARNING,
        _with_reason(Text(f"应有 {wanted} 条，现有 {connected} 条", f"{connected} of {wanted} are up"), code),
        explain(code).cure
        if code is not None
        else Text("启动 manage.py runfeishu 或 runportal", "Start manage.py runfeishu or runportal"),
        code=code,
    )


def _with_reason(words: Text, code: int | None) -> Text:
    if code is None:
        return words
    cause = explain(code).cause
    return Text(f"{words.zh_cn}：{cause.zh_cn}", f"{words.en_us}: {cause.en_us}")


def _connected(case: Case) -> int:
    return case.bot.slots.open().count()


def _moving(case: Case) -> int:
    """Slots on the move to another process: it connects before the holder lets go, so the platform counts both."""
    return case.bot.slots.filter(
        state=SlotState.CONNECTED, successor__isnull=False, successor_until__gte=DatabaseTime()
    ).count()
