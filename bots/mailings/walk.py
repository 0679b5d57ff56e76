"""Walking a mailing from its list of names to its last recipient: looked up, sent at a pace, taken back.

A mailing is a row that is advanced step by step. A worker claims it by moving ``next_step_at`` ahead; where that worker dies,
another one goes on when the claim is over. What a recipient gets carries a key of its own (``Mailer.send``), so that not even
two workers at once send twice.
"""

import logging
import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from bots.enums import MailingState, RecipientState
from bots.errors import BotDisabledError
from bots.mailings.lookup import CALL_SECONDS, look_up_next
from bots.mailings.outcome import NO_FAILURE, failure_of
from bots.models import Bot
from bots.models.mailings import Mailing, Recipient
from bots.people.lookup import LOOK_UPS
from core.background.notify import notify
from core.background.pace import Pace
from core.background.retry import RetrySchedule
from core.vault.keyring import SealedValueError
from feishu.directory import Directory
from feishu.errors import FeishuError, RateLimited
from feishu.openapi import OpenAPI
from feishu.transport import Transport

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=Mailing)
R = TypeVar("R", bound=Recipient)

PACE: Final = Pace(rate=8)
"""Recipients a second of one bot's campaign, and as many of its batch. The platform takes 1,000 messages a minute of an app
(page "Send message"): one of each at once stay below."""
SECONDS: Final = 10.0
"""That one task goes on with a mailing; then it asks for another one."""
RECOUNT_SECONDS: Final = 1.0
"""Between two counts while a mailing is walked: an open page follows them."""
CLAIM: Final = timedelta(minutes=2)
"""Longer than ``SECONDS`` and the step that is under way then."""
AGAIN: Final = RetrySchedule((2, 10, 60, 300, 1800))
BOT_OFF: Final = timedelta(minutes=1)
"""Until it is tried again for a bot that was switched off meanwhile; sweeps leave such bots out."""
MAX_MAILINGS: Final = 50
"""Of a kind, in one sweep."""


class Mailer(ABC, Generic[M, R]):
    """A kind of mailing: its tables, its task, and what a recipient gets."""

    mailings: ClassVar[type[Any]]
    recipients: ClassVar[type[Any]]
    task: ClassVar[str]
    """The name of the task that calls ``advance`` with the mailing's key."""
    noun: ClassVar[str]
    """With which its actions in the audit log begin."""
    withdraws: ClassVar[bool] = False
    """Whether what was sent can be taken back, so that a mailing that is done can still be cancelled."""

    def of(self, mailing: M) -> "QuerySet[Any]":
        """The recipients of a mailing."""
        rows: QuerySet[Any] = self.recipients._default_manager.filter(mailing=mailing)
        return rows

    @abstractmethod
    def resolved(self, mailing: M) -> MailingState:
        """Everybody is looked up; what the mailing's state is now."""

    @abstractmethod
    def send(self, mailing: M, recipient: R) -> dict[str, Any]:
        """Send to a recipient, once whatever happens; the columns that say how it ended, ``state`` among them. Raises
        FeishuError for what is to be tried again, BotDisabledError, SealedValueError."""

    def state_after(self, error: FeishuError) -> RecipientState:  # noqa: ARG002 -- for subclasses
        """The state of a recipient for whom this is the last error."""
        return RecipientState.FAILED

    def withdraw(self, mailing: M) -> bool:  # noqa: ARG002 -- for subclasses
        """Take back a few of what was sent, of a mailing that is being cancelled; True when nothing is left."""
        return True


def due(mailer: Mailer[Any, Any]) -> list[UUID]:
    """Mailings to advance now; of those that send for one bot the first alone, so that together they keep its pace."""
    now = timezone.now()
    moving = mailer.mailings._default_manager.moving().filter(bot__in=Bot.objects.enabled())
    chosen: list[UUID] = []
    sending: set[UUID] = set()
    rows = moving.order_by("created_at", "pk").values_list("pk", "bot_id", "state", "next_step_at")
    for pk, bot_id, state, next_step_at in rows[: MAX_MAILINGS * 10]:
        if state == MailingState.SENDING:
            if bot_id in sending:
                continue
            sending.add(bot_id)
        if next_step_at <= now:
            chosen.append(pk)
    return chosen[:MAX_MAILINGS]


def advance(
    mailer: Mailer[Any, Any],
    mailing_id: UUID,
    *,
    seconds: float = SECONDS,
    transport: Transport | None = None,
) -> None:
    """Go on with a mailing for a while, unless another worker does; the task asks for itself again where more is to do."""
    now = timezone.now()
    row = mailer.mailings._default_manager.moving().filter(pk=mailing_id)
    claim = now + CLAIM
    if not row.filter(next_step_at__lte=now).update(next_step_at=claim):
        return
    deadline = time.monotonic() + seconds
    mailing = row.select_related("bot", "operator", "client").first()
    next_step_at: datetime | None = None
    recount_at = time.monotonic()
    while mailing is not None and mailing.is_moving and time.monotonic() < deadline:
        next_step_at = _step(mailer, mailing, transport)
        if next_step_at is not None:
            break
        mailing.refresh_from_db(fields=("state",))
        if time.monotonic() >= recount_at:
            recount(mailer, mailing_id)
            recount_at = time.monotonic() + RECOUNT_SECONDS
    recount(mailer, mailing_id)
    # Unless somebody has asked for something else meanwhile.
    row.filter(next_step_at=claim).update(next_step_at=next_step_at or timezone.now())
    if next_step_at is None and mailing_id in due(mailer):
        notify(mailer.task, str(mailing_id))


def recount(mailer: Mailer[Any, Any], mailing_id: UUID) -> None:
    """Write down how many recipients are in which state."""
    rows = mailer.recipients._default_manager.filter(mailing_id=mailing_id).order_by()
    counted = dict(rows.values_list("state").annotate(count=Count("pk")))
    mailer.mailings._default_manager.filter(pk=mailing_id).update(counts=counted)


def _step(mailer: Mailer[Any, Any], mailing: Any, transport: Transport | None) -> datetime | None:
    """One step; when the next one may be, None: at once."""
    if not mailing.bot.enabled:
        return timezone.now() + BOT_OFF
    try:
        match MailingState(mailing.state):
            case MailingState.RESOLVING:
                _resolve(mailer, mailing, transport)
            case MailingState.SENDING:
                _send_next(mailer, mailing)
            case _:
                _withdraw(mailer, mailing)
    except RateLimited as error:
        # No fault of the recipient's, and no reason to give up.
        return timezone.now() + timedelta(seconds=max(error.reset_after, 1.0))
    except BotDisabledError:
        return timezone.now() + BOT_OFF
    except (FeishuError, SealedValueError) as error:
        mailing.failures = min(mailing.failures + 1, 1000)
        _update(mailer, mailing, failures=mailing.failures, **failure_of(error))
        facts = {"mailing": str(mailing.pk), "app_id": mailing.bot.app_id, "error": str(error)}
        logger.warning("mailing_step_failed", extra=facts)
        return timezone.now() + AGAIN.pause_after(mailing.failures)
    if mailing.failures or mailing.code is not None or mailing.reason:
        mailing.failures, mailing.code, mailing.reason = 0, None, ""
        _update(mailer, mailing, failures=0, **NO_FAILURE)
    return None


def _resolve(mailer: Mailer[Any, Any], mailing: Any, transport: Transport | None) -> None:
    directory = Directory(OpenAPI(mailing.bot.credentials, transport), timeout=CALL_SECONDS)
    gives_up = AGAIN.is_exhausted(mailing.failures + 1)
    with LOOK_UPS.kept():
        is_more = look_up_next(mailing.bot, mailer.of(mailing), directory, gives_up=gives_up)
    if is_more:
        return
    state = mailer.resolved(mailing)
    started = {"started_at": timezone.now()} if state == MailingState.SENDING else {}
    mailer.mailings._default_manager.filter(pk=mailing.pk, state=MailingState.RESOLVING).update(
        state=state, **started
    )


def _send_next(mailer: Mailer[Any, Any], mailing: Any) -> None:
    rows = mailer.of(mailing)
    recipient = rows.filter(state=RecipientState.READY).order_by("pk").first()
    if recipient is None:
        mailer.mailings._default_manager.filter(pk=mailing.pk, state=MailingState.SENDING).update(
            state=MailingState.DONE, finished_at=timezone.now()
        )
        return
    with PACE.kept():
        try:
            ended = mailer.send(mailing, recipient)
        except RateLimited:
            raise
        except FeishuError as error:
            if error.retryable and not AGAIN.is_exhausted(mailing.failures + 1):
                raise
            ended = {"state": mailer.state_after(error)} | failure_of(error)
        rows.filter(pk=recipient.pk, state=RecipientState.READY).update(**(NO_FAILURE | ended))


def _withdraw(mailer: Mailer[Any, Any], mailing: Any) -> None:
    if mailer.withdraw(mailing):
        _update(mailer, mailing, state=MailingState.CANCELLED, finished_at=timezone.now())


def _update(mailer: Mailer[Any, Any], mailing: Any, **values: Any) -> None:
    mailer.mailings._default_manager.filter(pk=mailing.pk).update(**values)
