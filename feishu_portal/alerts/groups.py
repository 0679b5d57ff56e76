"""What happens to a group of alerts: it fires, changes, is acknowledged, silenced, resolved.

Each time it fires it is a row of its own, with a card of its own, because only a new message rings. What changes while it
fires is shown on the card in place: Alertmanager repeats itself every few hours, and sends again what it got no answer to.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.access import audit
from core.access.actors import Actor
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from feishu_portal.alerts.notifications import Notification, firings
from feishu_portal.alerts.notify import notify_card


@transaction.atomic(durable=True)
def take(notification: Notification, *, receiver: AlertReceiver) -> AlertGroup | None:
    """Write down what Alertmanager says; taking it twice changes nothing. Returns the group whose card is to show it, None
    where there is none: what is over was never shown, or was over before."""
    # One after the other: a pair of Alertmanagers may both send the first notification of a group.
    if AlertReceiver.objects.select_for_update(no_key=True).filter(pk=receiver.pk).first() is None:
        return None  # removed just now
    now = timezone.now()
    group = receiver.groups.filter(key_hash=notification.key_hash, closed_at=None).first()
    if group is not None and notification.is_firing and _needs_new_card(group, notification, now):
        _change(group, state=GroupState.REPLACED, closed_at=now)
        notify_card(group.pk)
        group = None
    if group is None:
        return _open(notification, receiver=receiver, now=now) if notification.is_firing else None
    content = notification.content
    values = {"heard_at": now} | _card_tried_again(group)
    if not notification.is_firing:
        values |= {"state": GroupState.RESOLVED, "closed_at": now}
    if content != group.content or not notification.is_firing:
        values |= {"content": content, "firing": notification.firing}
        _change(group, **values)
    else:
        _write(group, **values)
    return group


@transaction.atomic
def acknowledge(group: AlertGroup, *, actor: Actor) -> bool:
    """Say on the card that somebody takes care of it; False where somebody did before, or it is over."""
    waiting = AlertGroup.objects.filter(pk=group.pk, state=GroupState.FIRING, acknowledged_at=None)
    is_first = waiting.update(
        acknowledged_at=timezone.now(), acknowledged_by=str(actor), version=F("version") + 1
    )
    if is_first:
        audit.record(actor=actor, action="alert_group.acknowledged", bot=group.bot, target=group.title)
        notify_card(group.pk)
    group.refresh_from_db()
    return bool(is_first)


@transaction.atomic
def note_silence(group: AlertGroup, *, silence_id: str, until: datetime, actor: Actor) -> None:
    """Alertmanager took a silence for the group."""
    _change(group, silenced_until=until, silenced_by=str(actor), silence_id=silence_id)
    audit.record(
        actor=actor,
        action="alert_group.silenced",
        bot=group.bot,
        target=group.title,
        until=until.isoformat(),
        silence=silence_id,
    )
    notify_card(group.pk)


def drop_unshown() -> int:
    """Send and patch no card that is due now: the original of this database may have done so. Returns how many."""
    unshown = AlertGroup.objects.filter(card_shows__lt=F("version"))
    return unshown.update(card_shows=F("version"))


def _needs_new_card(group: AlertGroup, notification: Notification, now: datetime) -> bool:
    """Whether the group fires again, though nobody said that it was over: a silence set from its card has ended, or none of
    its alerts is one that the card shows. Alertmanager says nothing of alerts that are resolved while they are silenced."""
    if group.silenced_until is not None and group.silenced_until <= now:
        return True
    shown, firing = firings(group.content), firings(notification.content)
    # Of alerts that Alertmanager left out nobody knows which they are.
    return bool(shown and firing) and not notification.truncated and shown.isdisjoint(firing)


def _open(notification: Notification, *, receiver: AlertReceiver, now: datetime) -> AlertGroup:
    return AlertGroup.objects.create(
        bot=receiver.bot,
        receiver=receiver,
        key_hash=notification.key_hash,
        title=notification.title,
        content=notification.content,
        firing=notification.firing,
        opened_at=now,
        heard_at=now,
    )


def _card_tried_again(group: AlertGroup) -> dict[str, object]:
    """Alertmanager speaks of the group again: whatever kept its card from being shown may be over."""
    return {"card_retry_at": None, "card_given_up": False} if group.card_attempts else {}


def _change(group: AlertGroup, **values: object) -> None:
    """Write what the card is to show."""
    _write(group, version=F("version") + 1, **values)


def _write(group: AlertGroup, **values: object) -> None:
    AlertGroup.objects.filter(pk=group.pk).update(**values)
    group.refresh_from_db()
