"""``manage.py replayevents``: handle events again, all that a filter matches."""

import time
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core.access.actors import Actor
from core.checks import SETTINGS
from events.enums import Arrived, EventStatus, ReplayMode
from events.errors import SearchTooSlowError
from events.log import replay
from events.log.criteria import EventCriteria
from events.log.replay import (
    DEFAULT_RATE,
    MAX_RATE,
    advance,
    cancel_replay,
    estimate,
    start_replay,
)
from events.log.search import resolve
from events.models import ReplayJob
from feishu.text import Text
from feishu_portal.management.preconditions import require_bots
from feishu_portal.management.progress import progress_bar
from feishu_portal.management.speaking import PortalCommand, said

ACTOR = Actor.command("replayevents")
PAUSE = 0.1  # seconds between two batches, while the rate allows no more


class Command(PortalCommand):
    about = Text(
        "重新处理符合条件的全部事件，仅由失败的处理器或由全部处理器执行。之前的处理记录保留。处理器由 worker 调用。按 Ctrl-C 取消重放；--background 则交由 worker 继续。",
        "Handle events again: all that match the filters, by the handlers that failed or by all. What was recorded of earlier runs stays. Workers call the handlers. Ctrl-C cancels the replay; --background leaves it to the workers.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bot",
            action="append",
            default=[],
            metavar="APP_ID",
            help=said("可重复指定。", "Can be repeated."),
        )
        parser.add_argument(
            "--type",
            default="",
            help=said("事件类型，例如 im.message.receive_v1。", "Event type, e.g. im.message.receive_v1."),
        )
        parser.add_argument("--status", action="append", choices=EventStatus.values, default=[])
        parser.add_argument("--arrived-by", choices=Arrived.values, default="")
        parser.add_argument(
            "--since",
            type=_moment,
            default=None,
            help=said("例如 2026-01-31T08:00，门户时区。", "E.g. 2026-01-31T08:00, portal's time."),
        )
        parser.add_argument("--until", type=_moment, default=None)
        parser.add_argument(
            "--q",
            default="",
            help=said(
                "事件 ID、消息 ID、日志 ID，或内容片段。", "Event, message or log ID, or part of the payload."
            ),
        )
        parser.add_argument(
            "--handler",
            action="append",
            default=[],
            help=said("仅此处理器，可重复指定。", "Only this one; can be repeated."),
        )
        parser.add_argument(
            "--all-handlers",
            action="store_true",
            help=said("包括已成功的处理器。", "Also those that succeeded."),
        )
        parser.add_argument(
            "--rate",
            type=int,
            default=DEFAULT_RATE,
            help=said(f"每秒事件数，最多 {MAX_RATE}。", f"Events a second, to {MAX_RATE}."),
        )
        parser.add_argument(
            "--dry-run", action="store_true", help=said("仅计数，不重放。", "Count, and replay nothing.")
        )
        parser.add_argument(
            "--background", action="store_true", help=said("交由 worker 执行。", "Leave it to the workers.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["rate"] <= MAX_RATE:
            raise CommandError(said(f"--rate 的取值为 1 至 {MAX_RATE}。", f"--rate is from 1 to {MAX_RATE}."))
        try:
            criteria = resolve(options["q"], _criteria(options))
            if options["dry_run"]:
                found = estimate(criteria)
                self.stdout.write(said(f"{found} 个事件符合条件。", f"{found} events match."))
                return
            job = start_replay(
                criteria=criteria,
                mode=ReplayMode.ALL if options["all_handlers"] else ReplayMode.FAILED,
                handlers=options["handler"],
                rate=options["rate"],
                actor=ACTOR,
            )
        except SearchTooSlowError as error:
            raise CommandError(
                said(
                    "查询耗时过长，请缩小时间范围或增加条件。",
                    "The search took too long. Narrow the time or the filters.",
                )
            ) from error
        if options["background"]:
            self.stdout.write(
                said(
                    f"重放 {job}（{job.expected_count} 个事件）已交由 worker 执行。",
                    f"Replay {job} of {job.expected_count} events is left to the workers.",
                )
            )
            return
        self._follow(job)

    def _follow(self, job: ReplayJob) -> None:
        """Replay with a progress bar, until it has ended."""
        handled, is_over = 0, False
        total = None if job.is_expected_bounded else job.expected
        try:
            with progress_bar(self.stderr, said("正在重放", "Replaying"), total=total) as progress:
                while not is_over:
                    is_over = advance(job, seconds=1.0) is replay.Progress.ENDED
                    job.refresh_from_db()
                    progress(job.replayed + job.skipped - handled)
                    handled = job.replayed + job.skipped
                    if job.error and not is_over:
                        raise CommandError(
                            said(
                                f"{job.error} 重放 {job} 由 worker 继续。",
                                f"{job.error} The workers go on with replay {job}.",
                            )
                        )
                    time.sleep(0 if is_over else PAUSE)
        except KeyboardInterrupt:
            cancel_replay(job, actor=ACTOR)
            job.refresh_from_db()
            raise CommandError(
                said(f"已取消，共重放 {job.replayed:,} 个事件。", f"Cancelled after {job.replayed:,} events.")
            ) from None
        self.stdout.write(
            said(
                f"已重放 {job.replayed:,} 个事件，跳过 {job.skipped:,} 个。",
                f"{job.replayed:,} events replayed, {job.skipped:,} skipped.",
            )
        )


def _criteria(options: dict[str, Any]) -> EventCriteria:
    return EventCriteria(
        bots=tuple(require_bots(options["bot"]).values()) if options["bot"] else None,
        event_type=options["type"],
        statuses=tuple(options["status"]),
        arrived_by=options["arrived_by"],
        since=options["since"],
        until=options["until"],
    )


def _moment(text: str) -> datetime:
    """For argparse: raises ValueError."""
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
