"""What people do with a mailing of any kind: begin it, have those tried again with whom it failed, cancel it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, TypeVar

from django.db import transaction
from django.utils import timezone

from bots.enums import MailingState, RecipientState
from bots.errors import MailingStateError
from bots.mailings.outcome import NO_FAILURE
from bots.mailings.recipients import Named, rows_for
from bots.mailings.walk import Mailer, recount
from bots.models.mailings import Mailing
from core.access import audit
from core.access.actors import Actor
from core.background.notify import notify

M = TypeVar("M", bound=Mailing)

AT_REST: Final = (MailingState.READY, MailingState.DONE)
"""In which somebody may decide what comes next."""
CANCELLED: Final = (MailingState.CANCELLING, MailingState.CANCELLED)
TRIED_AGAIN: Final = (RecipientState.FAILED, RecipientState.NOT_FOUND)
"""Not those of whom nobody knows whether they got it."""


def begin(
    mailer: Mailer[M, Any], mailing: M, named: Sequence[Named], *, actor: Actor, **detail: object
) -> None:
    """Write down whom a new mailing is for, and have them looked up. Call in the transaction that creates it."""
    mailer.recipients._default_manager.bulk_create(rows_for(mailing, named, recipients=mailer.recipients))
    recount(mailer, mailing.pk)
    record(mailer, mailing, "created", actor, recipients=len(named), **detail)
    have_advanced(mailer, mailing)


def may_retry(mailing: Mailing) -> bool:
    """Whether there is somebody to try again now."""
    return mailing.state in AT_REST and mailing.count(*TRIED_AGAIN) > 0


@transaction.atomic
def retry(mailer: Mailer[M, Any], mailing: M, *, actor: Actor) -> int:
    """Try those again who failed, and look those up again of whom nobody knows who they are; returns how many. Raises
    MailingStateError while it goes on, and for one that was cancelled."""
    row = mailer.mailings._default_manager.select_for_update(no_key=True).get(pk=mailing.pk)
    if row.state not in AT_REST:
        raise MailingStateError
    again = mailer.of(row).filter(state__in=TRIED_AGAIN)
    known = again.filter(target__startswith="o").exclude(target__startswith="od-")
    sent = known.update(state=RecipientState.READY, **NO_FAILURE)
    looked_up = again.update(state=RecipientState.WAITING, cursor="", **NO_FAILURE)
    if not sent + looked_up:
        return 0
    state = MailingState.RESOLVING if looked_up else MailingState.SENDING
    mailer.mailings._default_manager.filter(pk=row.pk).update(
        state=state, finished_at=None, failures=0, next_step_at=timezone.now(), **NO_FAILURE
    )
    recount(mailer, row.pk)
    record(mailer, mailing, "retried", actor, recipients=sent + looked_up)
    have_advanced(mailer, mailing)
    return sent + looked_up


def may_cancel(mailer: Mailer[M, Any], mailing: M) -> bool:
    """Whether there is something that would not be sent, or would be taken back."""
    return mailing.state not in _out_of_reach(mailer)


@transaction.atomic
def cancel(mailer: Mailer[M, Any], mailing: M, *, actor: Actor) -> bool:
    """Send to nobody more, and take back what can be; False where nothing was left to cancel."""
    row = mailer.mailings._default_manager.filter(pk=mailing.pk).exclude(state__in=_out_of_reach(mailer))
    if not row.update(state=MailingState.CANCELLING, next_step_at=timezone.now(), failures=0, **NO_FAILURE):
        return False
    to_come = (RecipientState.WAITING, RecipientState.READY)
    mailer.of(mailing).filter(state__in=to_come).update(state=RecipientState.CANCELLED)
    recount(mailer, mailing.pk)
    record(mailer, mailing, "cancelled", actor)
    have_advanced(mailer, mailing)
    return True


def have_advanced(mailer: Mailer[M, Any], mailing: M) -> None:
    """A worker has something to do with it, on commit; the sweep finds what a lost notification was about."""
    transaction.on_commit(partial(notify, mailer.task, str(mailing.pk)), robust=True)


def record(mailer: Mailer[M, Any], mailing: M, deed: str, actor: Actor, **detail: object) -> None:
    """Write ``deed`` down in the audit log."""
    facts = {mailer.noun: str(mailing.pk), **detail}
    audit.record(actor=actor, action=f"{mailer.noun}.{deed}", bot=mailing.bot, target=str(mailing), **facts)


def _out_of_reach(mailer: Mailer[Any, Any]) -> tuple[MailingState, ...]:
    return CANCELLED if mailer.withdraws else (*CANCELLED, MailingState.DONE)
