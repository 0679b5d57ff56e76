"""Clicks on the cards that tell operators of incidents.

A click is the operator's whose Feishu account has made it: an account that is linked on *Sign-in and security*. Whoever else sees
the card, in a group as well, may read it.
"""

from collections.abc import Callable
from typing import Any, Final

from auth_sessions.domain.operator_sign_in import operator_behind
from bots.doctor.schedule import claim_again, examine_on_commit
from bots.incidents.assignment import assign
from bots.incidents.cards import (
    CHECK_ACTION,
    END_SILENCE_ACTION,
    SILENCE_ACTION,
    TAKE_ACTION,
    incidents_on,
    notice_card,
)
from bots.incidents.repairs import problem_of
from bots.incidents.silences import PERMISSION, end_silence, silence, silence_of
from bots.models import Bot, Incident, Notice
from core.access.actors import Actor
from core.access.models import User
from events import callback_response, on_card, toast
from events.clicks.click import Click
from events.models import Event
from feishu.text import Text

Deed = Callable[[Incident, User], Text]
"""Does what a button says, and answers."""

NO_SUCH_CARD: Final = callback_response(
    toast=toast(
        "warning",
        Text("这张卡片已失效，请在控制台处理。", "This card is out of date. Use the console instead."),
    )
)
NO_OPERATOR: Final = callback_response(
    toast=toast(
        "warning",
        Text(
            "只有关联了飞书账号、可以管理该对象的操作员才能操作。请在控制台“登录与安全”中关联账号。",
            "For operators who manage this and have linked their Feishu account, on Sign-in and security in the console.",
        ),
    )
)
OVER: Final = Text("已经结束，无需处理。", "It is over. There is nothing to do.")
YOURS: Final = Text("由你处理。", "You take care of it.")
YOURS_ALREADY: Final = Text("已经由你处理。", "It is yours already.")
SILENCED: Final = Text("已静默一天。", "Silenced for a day.")
TOLD_AGAIN: Final = Text("静默已结束。", "The silence is over.")
CHECKED: Final = Text("正在检测。恢复后卡片会自动更新。", "Being checked. The card says so when it is over.")
CHECKED_JUST_NOW: Final = Text("几秒前刚检测过。", "It was checked a few seconds ago.")


@on_card(TAKE_ACTION, name="incidents.take")
def take_incident(event: Event, bot: Bot) -> dict[str, Any]:
    """Says on all cards and in the console who takes care of an incident."""
    return _answer(event, bot, _take)


@on_card(SILENCE_ACTION, name="incidents.silence")
def silence_incident(event: Event, bot: Bot) -> dict[str, Any]:
    """Silences a kind of problem for a day."""
    return _answer(event, bot, _silence)


@on_card(END_SILENCE_ACTION, name="incidents.end_silence")
def end_silence_of_incident(event: Event, bot: Bot) -> dict[str, Any]:
    """Ends that."""
    return _answer(event, bot, _end_silence)


@on_card(CHECK_ACTION, name="incidents.check")
def check_bot_again(event: Event, bot: Bot) -> dict[str, Any]:
    """Has the doctor examine the bot that an incident is about."""
    return _answer(event, bot, _check_again)


def _take(incident: Incident, operator: User) -> Text:
    return YOURS if assign(incident, operator, actor=Actor.operator(operator)) else YOURS_ALREADY


def _silence(incident: Incident, operator: User) -> Text:
    if silence_of(incident) is None:
        silence(problem_of(incident), actor=Actor.operator(operator))
    return SILENCED


def _end_silence(incident: Incident, operator: User) -> Text:
    end_silence(problem_of(incident), actor=Actor.operator(operator))
    return TOLD_AGAIN


def _check_again(incident: Incident, _operator: User) -> Text:
    bot = incident.bot
    if bot is None or not claim_again(bot):
        return CHECKED_JUST_NOW
    examine_on_commit(bot)
    return CHECKED


def _answer(event: Event, bot: Bot, do: Deed) -> dict[str, Any]:
    click = Click.of(event)
    notice = _notice_of(click, bot)
    if notice is None or notice.card is None:
        return NO_SUCH_CARD
    operator = operator_behind(
        bot, open_id=click.open_id, union_id=click.union_id, tenant_key=click.tenant_key
    )
    incident = notice.incident
    if operator is None or not _may(operator, incident):
        return NO_OPERATOR
    words = OVER if incident.closed_at else do(incident, operator)
    card = notice_card(incidents_on(notice.card))
    return callback_response(toast=toast("info" if incident.closed_at else "success", words), card=card)


def _notice_of(click: Click, bot: Bot) -> Notice | None:
    """The notice with the button's incident, if the bot sent it on this very message."""
    key = click.value.get("incident")
    if not click.message_id or not isinstance(key, int):
        return None
    shown = Notice.objects.filter(incident=key, card__bot=bot, card__message_id=click.message_id)
    return shown.select_related("card", "incident__bot", "incident__assignee").first()


def _may(operator: User, incident: Incident) -> bool:
    is_theirs = Incident.objects.visible_to(operator).filter(pk=incident.pk).exists()
    return is_theirs and operator.has_perm(PERMISSION)
