"""Rotating a bot's Encrypt Key and Verification Token while events flow.

The next one is entered beside the current one, and both prove requests until the rotation ends. Which of them the
platform uses is counted (``bots.webhook.usage``); from that the sweep decides. The App Secret has no next one: the
portal sends it, and the platform knows one at a time.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import WebhookSecret
from bots.live_updates import bots_changed
from bots.models import Bot, SecretUse
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.vault.keyring import SealedValueError

logger = logging.getLogger(__name__)

LASTS: Final = timedelta(days=7)
"""A rotation, unless another end is given."""
MAX_LASTS: Final = timedelta(days=90)
QUIET: Final = timedelta(hours=8)
"""After so long without use the platform has given a secret up: it pushes an event again for 7 h 5 min, and it is not
documented with which secret."""
AHEAD: Final = timedelta(minutes=2)
"""A rotation is decided so long before its end, so that no request comes between the end and the decision."""


class Decision(StrEnum):
    """What becomes of a next secret."""

    KEEP = "keep"
    PROMOTE = "promote"
    DROP = "drop"
    PROLONG = "prolong"


def decide(
    *,
    current: SecretUse | None,
    following: SecretUse | None,
    has_current: bool,
    ends_at: datetime,
    now: datetime,
) -> Decision:
    """What becomes of a next secret by the use of the current and of the ``following`` one since it was entered."""
    is_over = now >= ends_at - AHEAD
    if following is None:
        return Decision.DROP if is_over else Decision.KEEP
    if not has_current:
        # From the first signed request on nothing weaker is to be accepted.
        return Decision.PROMOTE
    last_by_current = max(following.first_at, current.last_at) if current else following.first_at
    if now - last_by_current >= QUIET or (is_over and current is None):
        return Decision.PROMOTE
    if not is_over or current is None:
        return Decision.KEEP
    # Where both were used lately, either may be the one that the platform goes on with.
    return Decision.DROP if current.last_at - following.last_at >= QUIET else Decision.PROLONG


def check(bot: Bot) -> None:
    """Raises ValidationError for a next secret that is the current one."""
    errors = {}
    for secret in bot.next_secrets:
        try:
            is_same = getattr(bot, secret.next_field) == getattr(bot, secret.value)
        except SealedValueError:
            continue
        if is_same:
            errors[secret.next_field] = ValidationError(
                _("This one is already in use."), code="same_as_current"
            )
    if errors:
        raise ValidationError(errors)


def leave_next_secrets(bot: Bot, *, changed: Collection[str]) -> None:
    """Take the next secrets from a bot that has another destination, but for those that were ``changed`` with it: they do
    not open there."""
    for secret in WebhookSecret:
        if secret.next_field not in changed:
            setattr(bot, secret.next_field, "")


def arrange(bot: Bot, *, changed: Collection[str]) -> None:
    """Give a bot that is about to be saved the end of its rotation."""
    entered = [secret for secret in WebhookSecret if secret.next_field in changed]
    kept = bot.next_secrets
    if not kept:
        bot.rotation_ends_at = None
    elif "rotation_ends_at" not in changed and (entered or bot.rotation_ends_at is None):
        bot.rotation_ends_at = timezone.now() + LASTS
    SecretUse.objects.filter(bot=bot).exclude(secret__in=set(kept) - set(entered)).delete()


@transaction.atomic
def promote(bot: Bot, *, actor: Actor) -> list[WebhookSecret]:
    """Put the bot's next secrets in the place of the current ones, which prove nothing from now on; returns which there
    were. Raises SealedValueError when one does not open."""
    bot = Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)
    secrets = bot.next_secrets
    _promote(bot, secrets, actor=actor)
    return secrets


def settle_rotations() -> None:
    """Decide about the next secrets of all bots; to be called now and then."""
    for pk in Bot.objects.exclude(rotation_ends_at=None).values_list("pk", flat=True):
        try:
            _settle(pk)
        except SealedValueError as error:
            logger.warning("rotation_not_settled", extra={"bot": str(pk), "error": str(error)})


@transaction.atomic
def _settle(pk: UUID) -> None:
    bot = Bot.objects.select_for_update(no_key=True).filter(pk=pk).exclude(rotation_ends_at=None).first()
    if bot is None or bot.rotation_ends_at is None:
        return
    uses = {(use.secret, use.is_next): use for use in SecretUse.objects.filter(bot=bot)}
    decided: dict[Decision, list[WebhookSecret]] = {}
    for secret in bot.next_secrets:
        decision = decide(
            current=uses.get((secret.value, False)),
            following=uses.get((secret.value, True)),
            has_current=bot.has_secret(secret),
            ends_at=bot.rotation_ends_at,
            now=timezone.now(),
        )
        decided.setdefault(decision, []).append(secret)
    if dropped := decided.get(Decision.DROP):
        _end(bot, dropped, actor=SYSTEM, action="bot.next_secrets_expired")
    if promoted := decided.get(Decision.PROMOTE):
        _promote(bot, promoted, actor=SYSTEM)
    if prolonged := decided.get(Decision.PROLONG):
        _prolong(bot, prolonged)


def _promote(bot: Bot, secrets: Sequence[WebhookSecret], *, actor: Actor) -> None:
    for secret in secrets:
        setattr(bot, secret.value, getattr(bot, secret.next_field))
    _end(bot, secrets, actor=actor, action="bot.secrets_promoted")


def _end(bot: Bot, secrets: Sequence[WebhookSecret], *, actor: Actor, action: str) -> None:
    for secret in secrets:
        setattr(bot, secret.next_field, "")
    if not bot.next_secrets:
        bot.rotation_ends_at = None
    bot.save()
    SecretUse.objects.filter(bot=bot, secret__in=secrets).delete()
    audit.record(actor=actor, action=action, bot=bot, target=bot.name, changed=[one.value for one in secrets])
    bots_changed([bot.pk])


def _prolong(bot: Bot, secrets: Sequence[WebhookSecret]) -> None:
    bot.rotation_ends_at = timezone.now() + QUIET
    bot.save(update_fields=["rotation_ends_at", "updated_at"])
    audit.record(
        actor=SYSTEM,
        action="bot.rotation_prolonged",
        bot=bot,
        target=bot.name,
        changed=[one.value for one in secrets],
        until=bot.rotation_ends_at.isoformat(),
    )
    bots_changed([bot.pk])
