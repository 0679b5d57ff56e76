"""Keeping what was found: an examination overwrites the rows of a bot, an observation the row of one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bots.doctor.examination import examine
from bots.doctor.findings import Check, Finding
from bots.doctor.observations import observed, supersedes
from bots.doctor.schedule import claim_again, examine_soon, next_look
from bots.enums import CheckResult
from bots.live_updates import bots_changed
from bots.models import Bot, Checkup, StoredFinding
from core.database.text import storable
from feishu.text import Text
from feishu.transport import Transport

LASTING: Final = frozenset({Check.FIRST_MESSAGE, Check.FIRST_AUTHORIZATION})
"""What has happened once has happened, though the rows that show it are deleted in time."""
_COLUMNS: Final = (
    "result", "cause_zh", "cause_en", "cure_zh", "cure_en", "value", "code", "log_id", "since", "looked_at",
)  # fmt: skip
_BAD: Final = frozenset({CheckResult.WRONG, CheckResult.WARNING})


@dataclass(frozen=True, slots=True)
class CheckState:
    """How a check stands: the finding, since when it is so, and when that was last looked at."""

    finding: Finding
    since: datetime
    looked_at: datetime


def examine_due(bot_id: UUID, *, transport: Transport | None = None) -> None:
    """Examine a bot that is claimed for this worker, and keep what is found."""
    bot = Bot.objects.select_related("checkup").filter(pk=bot_id, checkup__isnull=False).first()
    if bot is None:
        return
    due_again_at = bot.checkup.next_check_at
    found = _examine(bot, transport)
    is_reached = all(one.check is not Check.CREDENTIALS or _was_judged(one) for one in found)
    # A bot that was saved meanwhile has another claim, and is examined once more.
    Checkup.objects.filter(pk=bot_id, next_check_at=due_again_at).update(
        next_check_at=next_look(is_reached=is_reached)
    )


def _was_judged(credentials: Finding) -> bool:
    """Whether the platform has said yes or no to them. A network that fails is wrong as well, and has no code."""
    is_refused = credentials.result is CheckResult.WRONG and credentials.code is not None
    return is_refused or credentials.result is CheckResult.OK


def examine_again(bot: Bot, *, transport: Transport | None = None) -> bool:
    """Examine a bot because somebody asks; False where that was done just now."""
    if not claim_again(bot):
        return False
    _examine(bot, transport)
    return True


def _examine(bot: Bot, transport: Transport | None) -> list[Finding]:
    began_at = timezone.now()
    found = examine(bot, transport=transport)
    keep(bot, found, looked_at=began_at)
    return found


@transaction.atomic
def keep(bot: Bot, findings: Iterable[Finding], *, looked_at: datetime) -> None:
    """Keep the findings of a whole examination, unless those of a later one are kept already."""
    checkup = Checkup.objects.select_for_update().filter(pk=bot.pk).first()
    if checkup is None or (checkup.checked_at is not None and checkup.checked_at > looked_at):
        return
    known = stored(bot)
    states = [
        kept
        if (kept := known.get(one.check)) and one.check in LASTING and kept.finding.result is CheckResult.OK
        else CheckState(one, _since(kept, one, looked_at), looked_at)
        for one in findings
    ]
    names = [state.finding.check for state in states]
    StoredFinding.objects.filter(bot=bot).exclude(check_name__in=names).delete()
    _write(bot, states)
    Checkup.objects.filter(pk=bot.pk).update(checked_at=looked_at, observed_at=looked_at)
    bots_changed([bot.pk])


def observe(bot_id: UUID) -> None:
    """Compare what is kept of a bot with what was seen since, and keep what that changes."""
    bot = Bot.objects.filter(pk=bot_id).first()
    if bot is None:
        return
    known = stored(bot)
    changed = [state for check, state in states_now(bot).items() if state != known.get(check)]
    if not changed:
        return
    _write(bot, changed)
    bots_changed([bot.pk])
    if any(state.finding.result in _BAD for state in changed):
        examine_soon(bot)


def states_now(bot: Bot) -> dict[Check, CheckState]:
    """What is kept, and what was seen since."""
    states = stored(bot)
    for check, seen in observed(bot).items():
        known = states.get(check)
        if known is None or (
            known.finding.result is not seen.finding.result
            and supersedes(seen, known.finding, known.looked_at)
        ):
            states[check] = CheckState(seen.finding, seen.at, seen.at)
    return {check: states[check] for check in Check if check in states}


def stored(bot: Bot) -> dict[Check, CheckState]:
    """What the examinations have found, by check."""
    return {
        Check(row.check_name): CheckState(_finding(row), row.since, row.looked_at)
        for row in StoredFinding.objects.filter(bot=bot, check_name__in=list(Check))
    }


def _finding(row: StoredFinding) -> Finding:
    return Finding(
        Check(row.check_name),
        CheckResult(row.result),
        Text(row.cause_zh, row.cause_en),
        Text(row.cure_zh, row.cure_en),
        code=row.code,
        log_id=row.log_id,
        value=row.value,
    )


def _since(known: CheckState | None, found: Finding, looked_at: datetime) -> datetime:
    return known.since if known and known.finding.result is found.result else looked_at


def _write(bot: Bot, states: Iterable[CheckState]) -> None:
    rows = [
        StoredFinding(
            bot=bot,
            check_name=state.finding.check,
            result=state.finding.result,
            cause_zh=storable(state.finding.cause.zh_cn, 1000),
            cause_en=storable(state.finding.cause.en_us, 1000),
            cure_zh=storable(state.finding.cure.zh_cn, 1000),
            cure_en=storable(state.finding.cure.en_us, 1000),
            value=storable(state.finding.value, 4000),
            code=state.finding.code,
            log_id=storable(state.finding.log_id, 128),
            since=state.since,
            looked_at=state.looked_at,
        )
        for state in states
    ]
    StoredFinding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["bot", "check_name"], update_fields=_COLUMNS
    )
