"""Grants that the platform refuses to refresh, as incidents where they are unusually many within an hour.

A grant now and then is a matter between the person and the platform. Many at once have one cause that a person must find: a
copy of the database that spends the same refresh tokens, a restore, something that was changed in the developer console.
Grants that somebody revoked do not count, nor those whose year was over; of one that the person has renewed nothing is left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import RefreshOutcome, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from bots.incidents.causes import Cause, Details
from bots.incidents.connections import has_reachable_administrator
from bots.incidents.detectors import DetectedProblem, Detector, Subject, register
from bots.models import Bot, Incident
from core.database.counts import count_up_to
from feishu.categories import Category
from feishu.codes import CodeInfo, explain
from feishu.text import Text

LATELY: Final = timedelta(hours=1)
FEWEST: Final = 5
"""Fewer are no incident, whatever their share: a bot of three people loses one."""
MANY: Final = 1_000
"""As many are an incident, whatever their share."""
MOST_READ: Final = 10_000
"""Refusals that one sweep looks at, the newest."""


_SPENT_ELSEWHERE: Final = Text(
    "请检查是否有本数据库的副本以相同密钥在别处运行（如测试环境、旧服务器），如有请立即停止；若要保留副本，请在其中执行 "
    "manage.py adoptrestore --as-copy。若本数据库曾恢复到较早的状态，其后用过的令牌已失效。此外请确认：App Secret "
    "是否被重置、开发者后台“刷新 user_access_token”开关是否被改动、企业管理员是否撤销了授权。系统会请相关用户重新授权",
    "Look for a copy of this database that runs elsewhere with the same keys (a test system, an old server) and stop it at once; "
    "manage.py adoptrestore --as-copy, run there, makes a copy harmless. If this database was put back to an earlier state, "
    "the tokens used since are spent. Else find out whether the App Secret was reset, the switch “Refresh user_access_token” "
    "changed, or the authorizations withdrawn by the tenant's administrator. The people are asked to authorize again",
)


def _explain(details: Details) -> CodeInfo:
    count, _slash, bots = details.message.partition("/")
    main = explain(details.code)
    of_bots = Text(f" {bots} 个机器人的 ", f" of {bots} bots") if bots else Text(" ", "")
    return CodeInfo(
        details.code,
        main.category,
        Text(
            f"平台在一小时内拒绝刷新{of_bots.zh_cn}{count} 个授权，主要原因：{main.cause.zh_cn}",
            f"Within an hour the platform refused to refresh {count} authorizations{of_bots.en_us}. "
            f"Main reason: {main.cause.en_us}",
        ),
        _SPENT_ELSEWHERE if main.category == Category.REAUTHORIZE else main.cure,
    )


LOST: Final = Cause(
    name="grants_lost",
    label=_("Authorizations lost"),
    headline=_("%(subject)s loses unusually many authorizations"),
    explain=_explain,
    is_severe=False,
    fact="grants",
)
LOST_BY_SEVERAL: Final = Cause(
    name="grants_lost_widely",
    label=_("Authorizations lost"),
    headline=_("Several bots lose unusually many authorizations"),
    explain=_explain,
    page="admin:auth_sessions_usertoken_changelist",
    is_severe=False,
)
INSTALLATION: Final = Subject(UUID("7d0c1f4b-93f5-4a55-8a0c-3b0f2a6f5c02"), "Feishu Portal", owner_id=None)
"""What has the problem where several bots have it: administrators are notified, once."""


@dataclass(slots=True)
class _Losses:
    """Grants that were lost lately, and the codes they were refused with."""

    count: int = 0
    began_at: datetime = field(default_factory=timezone.now)
    codes: Counter[int | None] = field(default_factory=Counter)

    def add(self, at: datetime, code: int | None) -> None:
        self.count += 1
        self.began_at = min(self.began_at, at)
        self.codes[code] += 1

    def __add__(self, other: "_Losses") -> "_Losses":
        began_at = min(self.began_at, other.began_at)
        return _Losses(self.count + other.count, began_at, self.codes + other.codes)

    def is_unusual(self, grants: QuerySet[UserToken]) -> bool:
        """Whether these are too many to lose of ``grants``."""
        if self.count < FEWEST or self.count >= MANY:
            return self.count >= MANY
        percent = settings.LOST_GRANTS_PERCENT
        others = self.count * (100 - percent) // percent
        # With more than so many others these are few: no more need be counted.
        return not count_up_to(grants.filter(status=TokenStatus.ACTIVE), others).is_more

    def details(self, before: Details, *, bots: int = 0) -> Details:
        """``before``: what was said so far of an incident that is open. Its count stays the highest."""
        [(code, _count)] = self.codes.most_common(1)
        count = max(self.count, int(before.message.partition("/")[0] or 0))
        return Details(code=code, message=f"{count}/{bots}" if bots else str(count))


def lost_grants() -> Iterator[DetectedProblem]:
    """Bots that have lost unusually many grants in the past hour. Where several have, it is one problem, and no new one of
    each; so it is where none has lost many, and all together have."""
    losses = _losses_by_bot()
    if not losses:
        return
    losing = {bot: lost for bot, lost in losses.items() if lost.is_unusual(UserToken.objects.filter(bot=bot))}
    open_incidents = Incident.objects.open().filter(cause__in=(LOST.name, LOST_BY_SEVERAL.name))
    said = {row.affected_id: Details(message=row.message) for row in open_incidents}
    new = [bot for bot in losing if bot.pk not in said]
    if _is_widespread(losses, losing) or (INSTALLATION.pk in said and new):
        together = sum(losses.values(), start=_Losses())
        details = together.details(said.get(INSTALLATION.pk, Details()), bots=len(losing) or len(losses))
        yield DetectedProblem(INSTALLATION, LOST_BY_SEVERAL, together.began_at, details)
        for bot in new:
            del losing[bot]
    for bot, lost in losing.items():
        yield DetectedProblem(bot, LOST, lost.began_at, lost.details(said.get(bot.pk, Details())))


def _is_widespread(losses: Mapping[Bot, _Losses], losing: Mapping[Bot, _Losses]) -> bool:
    if losing:
        # Where no superuser can be told, the owners of each bot are.
        return len(losing) > 1 and has_reachable_administrator()
    together = sum(losses.values(), start=_Losses())
    return len(losses) > 1 and together.is_unusual(UserToken.objects.all())


def _losses_by_bot() -> dict[Bot, _Losses]:
    """Of enabled bots. A grant counts once, by the verdict on the refresh token that it still holds."""
    verdicts = RefreshAttempt.objects.filter(
        outcome=RefreshOutcome.DEAD_USER,
        finished_at__gte=timezone.now() - LATELY,
        finished_at__lt=F("token__reauthorize_by"),
        generation=F("token__generation"),
        token__status=TokenStatus.NEEDS_REAUTH,
    )
    newest = verdicts.order_by("-finished_at").values_list("token_id", "token__bot_id", "finished_at", "code")
    by_bot: dict[UUID, _Losses] = {}
    counted = set()
    for token_id, bot_id, at, code in newest[:MOST_READ]:
        if token_id not in counted and at is not None:
            counted.add(token_id)
            by_bot.setdefault(bot_id, _Losses()).add(at, code)
    return (
        {bot: by_bot[bot.pk] for bot in Bot.objects.enabled().filter(pk__in=list(by_bot))} if by_bot else {}
    )


def _monitored() -> list[UUID]:
    bots = list(Bot.objects.enabled().values_list("pk", flat=True))
    return [*bots, INSTALLATION.pk] if bots else bots


register(Detector(causes=(LOST, LOST_BY_SEVERAL), find=lost_grants, monitored=_monitored))
