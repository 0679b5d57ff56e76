"""Clicks on the cards of alerts.

Everybody who sees the card may acknowledge and silence: an operator chose the chat for the people on duty, the platform
sends clicks of its members alone, and the card cannot be forwarded. Who did it stands on the card and in the audit log.
"""

from typing import Any

from bots.models import Bot
from core.access.actors import Actor
from core.vault.redaction import redact_text
from events import callback_response, on_card, toast
from events.clicks.click import Click
from events.models import Event
from events.subscriptions.http.failures import in_chinese
from feishu.text import Text
from feishu_portal.alerts.cards import ACKNOWLEDGE_ACTION, SILENCE_ACTION, SILENCES, group_card
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.errors import SilenceNotSet
from feishu_portal.alerts.groups import acknowledge
from feishu_portal.alerts.models import AlertGroup
from feishu_portal.alerts.silences import silence

MAX_SAID = 300  # characters of an error
NO_SUCH_CARD = callback_response(
    toast=toast(
        "warning",
        Text("这张卡片已失效，请查看最新的卡片。", "This card is out of date. Look for a newer one."),
    )
)
OVER = Text("告警已恢复，无需处理。", "It is over. There is nothing to do.")
YOURS = Text("已确认。", "Acknowledged.")
TAKEN = Text("已经有人确认了。", "Somebody acknowledged it before.")
SILENCED = Text("已静默。", "Silenced.")


@on_card(ACKNOWLEDGE_ACTION, name="alerts.acknowledge")
def acknowledge_alerts(event: Event, bot: Bot) -> dict[str, Any]:
    """Shows everybody in the chat who takes care of it."""
    click = Click.of(event)
    group = _group_of(click, bot)
    if group is None:
        return NO_SUCH_CARD
    is_first = acknowledge(group, actor=Actor.user(click.open_id))
    words = (YOURS if is_first else TAKEN) if group.is_firing else OVER
    return callback_response(toast=toast("success" if is_first else "info", words), card=group_card(group))


@on_card(SILENCE_ACTION, name="alerts.silence")
def silence_alerts(event: Event, bot: Bot) -> dict[str, Any]:
    """Sets a silence at Alertmanager, where the receiver names one."""
    click = Click.of(event)
    group, hours = _group_of(click, bot), _number_in(click, "hours")
    if group is None or hours not in SILENCES or not group.receiver.alertmanager_url:
        return NO_SUCH_CARD
    if not group.is_firing:
        return callback_response(toast=toast("info", OVER), card=group_card(group))
    try:
        silence(group, hours=hours, actor=Actor.user(click.open_id))
    except SilenceNotSet as error:
        said = redact_text(str(error))
        failed = Text(f"静默失败。{in_chinese(said)[:MAX_SAID]}", f"It was not silenced. {said[:MAX_SAID]}")
        # On the card as well: a toast that comes late is not shown.
        return callback_response(toast=toast("error", failed), card=group_card(group, note=failed))
    return callback_response(toast=toast("success", SILENCED), card=group_card(group))


def _group_of(click: Click, bot: Bot) -> AlertGroup | None:
    """The group whose card was clicked: the one in the button's value, if this message shows it and no newer one does."""
    if not click.message_id:
        return None
    shown = AlertGroup.objects.filter(bot=bot, message_id=click.message_id, pk=_number_in(click, "group"))
    shown = shown.exclude(state=GroupState.REPLACED)
    return shown.select_related("bot", "receiver").first()


def _number_in(click: Click, name: str) -> int:
    """A number in the value of the button that was clicked; 0 where there is none."""
    text = str(click.value.get(name))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
