"""Clicks on the card of an approval.

Only the person who is asked may answer, on the very message that asks them: a card that somebody else made the bot send has
no seal in its buttons, and another message.
"""

from typing import Any
from uuid import UUID

from bots.models import Bot
from core.access.actors import Actor
from core.vault.keyring import SealedValueError
from events import callback_response, on_card, toast
from events.clicks.click import NOT_YOURS, Click
from events.models import Event
from feishu.text import Text
from feishu_portal.approvals.cards import APPROVE_ACTION, DENY_ACTION, END_ACTION, approval_card, is_sealed
from feishu_portal.approvals.decisions import approve, deny, end_hour
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval

OPENS_SOON = callback_response(
    toast=toast("info", Text("请稍后再点一次。", "One moment, then please click again."))
)
APPROVED = Text("已批准，正在执行。", "Approved. It is being carried out.")
DENIED = Text("已拒绝。", "Denied.")
ENDED = Text("已结束，同样的调用会重新询问你。", "Ended. You are asked about such calls again.")
ENDED_BEFORE = Text("这一小时已经结束。", "The hour is over.")
ANSWERED = Text("这个请求已经处理过，或已过期。", "This request was answered before, or has expired.")


@on_card(APPROVE_ACTION, name="approvals.approve")
def approve_call(event: Event, bot: Bot) -> dict[str, Any]:
    """Lets the call go on, and such calls for an hour where that was clicked."""
    approval = _approval_of_click(event, bot)
    kind = Click.of(event).value.get("kind") if approval else None
    if approval is None or kind not in Approved.values:
        return NOT_YOURS
    if not approval.message_id:
        return OPENS_SOON
    is_first = approve(approval, kind=Approved(kind))
    return _answer(approval, "success" if is_first else "info", APPROVED if is_first else ANSWERED)


@on_card(DENY_ACTION, name="approvals.deny")
def deny_call(event: Event, bot: Bot) -> dict[str, Any]:
    """Ends the call without it being sent."""
    approval = _approval_of_click(event, bot)
    if approval is None:
        return NOT_YOURS
    if not approval.message_id:
        return OPENS_SOON
    is_first = deny(approval)
    return _answer(approval, "success" if is_first else "info", DENIED if is_first else ANSWERED)


@on_card(END_ACTION, name="approvals.end")
def end_approval_for_an_hour(event: Event, bot: Bot) -> dict[str, Any]:
    """Such calls are asked about again."""
    approval = _approval_of_click(event, bot)
    if approval is None:
        return NOT_YOURS
    is_first = end_hour(approval, actor=Actor.user(approval.open_id))
    return _answer(approval, "success" if is_first else "info", ENDED if is_first else ENDED_BEFORE)


def _answer(approval: CallApproval, kind: Any, words: Text) -> dict[str, Any]:
    try:
        shown = approval_card(approval)
    except SealedValueError:
        shown = None  # it lacks its key: the worker that would send it says so
    return callback_response(toast=toast(kind, words), card=shown)


def _approval_of_click(event: Event, bot: Bot) -> CallApproval | None:
    """The approval of the clicked card, if the click is of the person who is asked, on the message that asks. One whose
    message is not known yet is on its way."""
    click = Click.of(event)
    try:
        key = UUID(str(click.value.get("approval")))
    except ValueError:
        return None
    if not click.open_id or not click.message_id:
        return None
    mine = CallApproval.objects.select_related("bot").filter(
        pk=key, bot=bot, open_id=click.open_id, message_id__in=("", click.message_id)
    )
    approval = mine.first()
    return approval if approval is not None and is_sealed(approval, click.value.get("seal")) else None
