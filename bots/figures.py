"""What the database knows of bots, their connections and incidents, as metrics."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from bots.connections.processes import peers
from bots.connections.status import ConnectionHealth, statuses
from bots.doctor.findings import Check
from bots.enums import CheckResult, ProcessHealth, ProcessRole, SlotState
from bots.incidents.causes import registered_causes
from bots.metrics import MAX_BOTS
from bots.models import Bot, Incident, StoredFinding
from bots.processes.roles import is_done, needed_roles, recent_processes
from core.metrics.facts import MOST, Figures, alone, by_label, database_gauge, read_together
from feishu.text import Text

_bots = database_gauge(
    "feishu_bots",
    Text("机器人数，按连接状况。", "Bots by how their connections are."),
    "health",
)
_connections = database_gauge(
    "feishu_connections",
    Text(
        "长连接数，按机器人与状态；connected 表示心跳正常到达。",
        "Long connections by bot and state; connected means that heartbeats arrive.",
    ),
    "bot",
    "state",
)
_frame_age = database_gauge(
    "feishu_connection_last_frame_age_seconds",
    Text(
        "机器人的任一连接最近一次收到数据（含心跳）距今的时间。",
        "Since when none of a bot's connections has received anything, heartbeats included.",
    ),
    "bot",
)
_heartbeats = database_gauge(
    "feishu_heartbeat_interval_seconds",
    Text("机器人心跳的平均间隔。", "Average interval between a bot's heartbeats."),
    "bot",
)
_listeners = database_gauge(
    "feishu_listener_processes",
    Text(
        "正在运行的 runfeishu 进程数。",
        "Processes that hold connections, by what they have announced lately.",
    ),
)
_processes = database_gauge(
    "feishu_processes",
    Text(
        "一小时内的进程数，按类型与状态：working 正常，stalled 有部分停滞，silent 心跳中断，stopped 已正常停止。",
        "Processes of the last hour by kind and state: working, stalled (a part stands still), silent (no heartbeat), stopped.",
    ),
    "kind",
    "state",
)
_heartbeat_age = database_gauge(
    "feishu_process_last_heartbeat_age_seconds",
    Text(
        "该类型进程最近一次心跳距今的时间；一小时内没有心跳的类型不出现。",
        "Since the last heartbeat of any process of the kind; kinds that were not heard of for an hour are left out.",
    ),
    "kind",
)
_nobody = database_gauge(
    "feishu_roles_unfilled",
    Text(
        "需要而无进程承担的工作：listen 保持连接，work 执行处理器，refresh 刷新令牌，schedule 调度。1 表示无人承担。",
        "What is needed and done by no process: listen, work, refresh, schedule. 1 where nobody does it.",
    ),
    "role",
)
_incidents = database_gauge(
    "feishu_incidents_open",
    Text("未结束的异常，按原因。", "Open incidents by cause."),
    "cause",
)
_misconfigured = database_gauge(
    "feishu_bots_misconfigured",
    Text(
        "检查结果为“有误”的已启用机器人数，按检查项。",
        "Enabled bots of which the doctor found something wrong, by check.",
    ),
    "check",
)


def _read_bots() -> Sequence[Figures]:
    """Of the first ``MAX_BOTS`` in the order in which they were added."""
    healths: Counter[str] = Counter({health.value: 0 for health in ConnectionHealth})
    states: dict[tuple[str, ...], float] = {}
    ages: dict[str, float] = {}
    intervals: dict[str, float] = {}
    now = timezone.now()
    for status in statuses(list(Bot.objects.order_by("created_at", "pk")[:MAX_BOTS])):
        app_id = status.bot.app_id
        healths[status.health.value] += 1
        if not status.is_wanted:
            continue
        counts = Counter(slot.state for slot in status.slots)
        states |= {(app_id, state.value): counts[state] for state in SlotState}
        rows: list[Any] = [slot.row for slot in status.slots]
        if frames := [row.last_frame_at for row in rows if row.last_frame_at]:
            ages[app_id] = max(0.0, (now - max(frames)).total_seconds())
        if averages := [row.heartbeat_average for row in rows if row.heartbeat_average is not None]:
            intervals[app_id] = sum(averages) / len(averages)
    return by_label(healths), states, by_label(ages), by_label(intervals)


def _read_listeners() -> Sequence[Figures]:
    return (alone(len(peers(seconds=settings.LEASE_SECONDS))),)


def _read_processes() -> Sequence[Figures]:
    rows, now = recent_processes(), timezone.now()
    states: dict[tuple[str, ...], float] = {
        (row.kind, state.value): 0.0 for row in rows for state in ProcessHealth
    }
    ages: dict[str, float] = {}
    for row in rows:
        states[row.kind, row.health.value] += 1
        age = max(0.0, (now - row.seen_at).total_seconds())
        ages[row.kind] = min(age, ages.get(row.kind, age))
    unfilled = {role.value: 0.0 for role in ProcessRole}
    unfilled |= {role.value: 1.0 for role in needed_roles() if not is_done(role, rows)}
    return states, by_label(ages), by_label(unfilled)


def _read_incidents() -> Sequence[Figures]:
    counts = Counter({cause.name: 0 for cause in registered_causes()})
    counts.update(Incident.objects.open().values_list("cause", flat=True)[:MOST])
    return (by_label(counts),)


def _read_findings() -> Sequence[Figures]:
    """What was put off until another problem is solved is unknown, and not counted."""
    counts = Counter({check.value: 0 for check in Check})
    # Leaving out what is in order lets the query use the index finding_not_in_order.
    wrong = StoredFinding.objects.exclude(result=CheckResult.OK).filter(result=CheckResult.WRONG)
    enabled = wrong.filter(bot__enabled=True, bot__deleted_at=None)
    counts.update(enabled.values_list("check_name", flat=True)[:MOST])
    return (by_label(counts),)


read_together(_bots, _connections, _frame_age, _heartbeats, read=_read_bots)
read_together(_listeners, read=_read_listeners)
read_together(_processes, _heartbeat_age, _nobody, read=_read_processes)
read_together(_incidents, read=_read_incidents)
read_together(_misconfigured, read=_read_findings)
