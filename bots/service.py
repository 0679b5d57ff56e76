"""Changing bots: every change with its actor, its audit entry and its slots."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.destinations import (
    Destination,
    check_hosts,
    check_secret,
    leave_former_destination,
    may_choose_hosts,
)
from bots.doctor.schedule import examine_on_commit
from bots.enums import SlotState, WebhookSecret
from bots.live_updates import bots_changed
from bots.models import Bot, ConnectionSlot
from bots.removal import remove
from bots.webhook import rotation
from core.access import audit
from core.access.actors import Actor
from core.access.models import ApiClient, User
from core.vault.fields import encrypted_field, encrypted_fields
from core.vault.keyring import SealedValueError

CONTROLS: Final = frozenset({"enabled", "connect", "transport", "callback_transport"})
"""Fields that decide whether and how a bot receives events: who set them last is kept beside them."""
NEXT: Final = frozenset(secret.next_field for secret in WebhookSecret)
"""Secrets whose rotation begins again when another one is entered."""


@dataclass(frozen=True, slots=True)
class BotChanges:
    """Fields to set on a bot, by name; secrets that are empty are left as they are, unless they are ``removed``."""

    values: dict[str, object] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()

    def apply(self, bot: Bot) -> list[str]:
        """Set the values that differ and return the names of what changed."""
        secrets = {encrypted.name: encrypted for encrypted in encrypted_fields(Bot)}
        changed = []
        for name in self.removed:
            if secrets[name].is_set(bot):
                setattr(bot, name, "")
                changed.append(name)
        # Last the secrets that are sealed for a destination: the other fields make it.
        bound = {name for name, encrypted in secrets.items() if encrypted.bound_to}
        for name, value in sorted(self.values.items(), key=lambda item: item[0] in bound):
            if name in secrets and (not value or (name in NEXT and _holds(bot, name, value))):
                continue
            if name in secrets or getattr(bot, name) != value:
                setattr(bot, name, value)
                changed.append(name)
        return changed


def _holds(bot: Bot, name: str, value: object) -> bool:
    try:
        return bool(getattr(bot, name) == value)
    except SealedValueError:
        return False


@transaction.atomic
def put_bot(*, app_id: str, changes: BotChanges, actor: Actor, owner: User | None = None) -> tuple[Bot, bool]:
    """Create the bot ``app_id`` or update it; returns the bot and whether it is new. ``owner``: of a new one.

    Raises django.core.exceptions.ValidationError, with messages by field, before anything is written: also where the
    destination changes without the App Secret, or to a host that the actor may not choose.
    """
    bot = Bot.objects.select_for_update(no_key=True).filter(app_id=app_id).first() or Bot(app_id=app_id)
    new = bot._state.adding
    before = None if new else Destination.of(bot)
    sealed_for = bot.destination
    changed = changes.apply(bot)
    if bot.destination != sealed_for:
        rotation.leave_next_secrets(bot, changed=changed)
    _check_destination(bot, before, changed=changed, actor=actor)
    bot.full_clean()
    if not encrypted_field(Bot, "app_secret").is_set(bot):
        raise ValidationError({"app_secret": _("A bot needs its App Secret.")})
    rotation.check(bot)
    save_bot(bot, changed=changed, actor=actor, owners=[owner] if owner and new else None)
    return bot, new


def _check_destination(bot: Bot, before: Destination | None, *, changed: list[str], actor: Actor) -> None:
    after = Destination.of(bot)
    if before is not None:
        check_secret(before, after, is_secret_given="app_secret" in changed)
    if before != after:
        check_hosts(before, after, may_choose=may_choose_hosts(actor))


@transaction.atomic
def save_bot(
    bot: Bot, *, changed: list[str], actor: Actor, action: str = "", owners: Collection[User] | None = None
) -> None:
    """Save a validated bot with its slots and the audit entry; ``changed`` names fields, never values. ``owners``: all that it
    has from now on; None leaves them as they are.

    The rule of destinations is kept here once more, against the row as it is stored: whatever checked before may have
    read an older one. Raises ValidationError.
    """
    stored = None if bot._state.adding else Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)
    before = None if stored is None else Destination.of(stored)
    _check_destination(bot, before, changed=changed, actor=actor)
    if CONTROLS.intersection(changed):
        bot.asked_by, bot.asked_at = str(actor), timezone.now()
    is_elsewhere = stored is not None and stored.destination != bot.destination
    if is_elsewhere:
        bot.open_id = ""  # another one there
        rotation.leave_next_secrets(bot, changed=changed)
    if stored is not None:
        bot.has_group_exceptions = stored.has_group_exceptions  # not of this form
    rotation.arrange(bot, changed=changed)
    bot.save()
    arrange_slots(bot)
    examine_on_commit(bot)
    bots_changed([bot.pk])
    after = Destination.of(bot)
    moved = after.differs_in(before) if before is not None else []
    related = {"owners": _set_owners(bot, owners)} if owners is not None else {}
    detail: dict[str, object] = audit.changes(stored, bot, changed, shown=moved, related=related)
    if before is not None and moved:
        detail |= {"before": before.shown(moved), "after": after.shown(moved)}
    action = action or ("bot.created" if stored is None else "bot.updated")
    audit.record(actor=actor, action=action, bot=bot, target=bot.name, **detail)
    if is_elsewhere:
        leave_former_destination(bot, actor)


def _set_owners(bot: Bot, owners: Collection[User]) -> tuple[list[User], Collection[User]]:
    """Those before and after."""
    before = list(bot.owners.all())
    bot.owners.set(owners)
    return before, owners


def set_enabled(bots: Sequence[Bot], *, enabled: bool, actor: Actor) -> None:
    """Switch the bots on or off; the fleet follows."""
    action = "bot.enabled" if enabled else "bot.disabled"
    control(bots, actor=actor, action=action, values={"enabled": enabled})


@transaction.atomic
def control(bots: Sequence[Bot], *, actor: Actor, action: str, values: dict[str, object]) -> None:
    """Set the same ``values`` on every bot, with who asked for it and an audit entry each. Two queries."""
    now = timezone.now()
    values = values | {"asked_by": str(actor), "asked_at": now, "updated_at": now}
    ids = [bot.pk for bot in bots]
    Bot.objects.filter(pk__in=ids).update(**values)
    for bot in bots:
        for name, value in values.items():
            setattr(bot, name, value)
    audit.record_each([(bot, bot.name) for bot in bots], actor=actor, action=action)
    bots_changed(ids)


@transaction.atomic
def delete_bot(bot: Bot, *, actor: Actor) -> None:
    """From now on the bot is gone: it is not shown, nothing connects, its App ID is free and its secrets are destroyed.

    Most bots have few rows, which go at once; the sweep goes on with the millions of events of others.
    """
    owners = sorted(map(str, bot.owners.all()))
    audit.record(actor=actor, action="bot.deleted", bot=bot, target=bot.name, owners=owners)
    _take_from_clients(bot, actor=actor)
    bot.slots.all().delete()
    bot.owners.clear()
    bot.app_id = f"deleted_{bot.pk.hex}"
    bot.enabled = bot.connect = False
    for encrypted in encrypted_fields(Bot):
        setattr(bot, encrypted.name, "")
    bot.rotation_ends_at = None
    bot.deleted_at = timezone.now()
    bot.save()
    bots_changed([bot.pk])
    transaction.on_commit(partial(remove, bot))


def _take_from_clients(bot: Bot, *, actor: Actor) -> None:
    """No API client goes on naming a bot that is gone."""
    named = ApiClient.objects.select_for_update().filter(all_bots=False).order_by("pk")
    for client in named:
        if str(bot.pk) in client.bot_ids:
            client.bot_ids.remove(str(bot.pk))
            client.save(update_fields=["bot_ids"])
            audit.record(
                actor=actor, action="api_client.updated", bot=bot, target=client.name, changed=["app_ids"]
            )


def arrange_slots(bot: Bot) -> None:
    """Give the bot the rows of its connections: as many as it should have, in a fixed order."""
    bot.slots.filter(number__gt=bot.slot_count).delete()
    ConnectionSlot.objects.bulk_create(
        [
            ConnectionSlot(bot=bot, number=number, state=SlotState.STOPPED)
            for number in range(1, bot.slot_count + 1)
        ],
        ignore_conflicts=True,
    )
