"""What people do with alert receivers, each with its entry in the audit log."""

from collections.abc import Iterable

from django.db import transaction

from core.access import audit
from core.access.actors import Actor
from feishu_portal.alerts.models import AlertReceiver


@transaction.atomic
def add_receiver(receiver: AlertReceiver, *, actor: Actor) -> None:
    receiver.save(force_insert=True)
    _audit(receiver, "alert_receiver.created", actor, chat_id=receiver.chat_id)


@transaction.atomic
def change_receiver(receiver: AlertReceiver, *, changed: Iterable[str], actor: Actor) -> None:
    """Save what people may change; ``changed`` are the fields' names for the audit log."""
    before = AlertReceiver.objects.get(pk=receiver.pk)
    receiver.save(update_fields=("name", "chat_id", "alertmanager_url"))
    _audit(receiver, "alert_receiver.updated", actor, **audit.changes(before, receiver, changed))


@transaction.atomic
def remove_receiver(receiver: AlertReceiver, *, actor: Actor) -> None:
    """Remove the receiver and what is known of its alerts. Cards in the chat stay as they are."""
    _audit(receiver, "alert_receiver.deleted", actor)
    receiver.delete()


def _audit(receiver: AlertReceiver, action: str, actor: Actor, **detail: object) -> None:
    audit.record(
        actor=actor,
        action=action,
        bot=receiver.bot,
        target=receiver.name,
        receiver=str(receiver.pk),
        **detail,
    )
