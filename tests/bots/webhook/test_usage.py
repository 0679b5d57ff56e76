"""Counts of a webhook: one row for each bot and secret or reason, however many requests come."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bots.enums import WebhookSecret
from bots.models import Bot, RefusedPush, SecretUse
from bots.service import BotChanges, put_bot
from bots.webhook.usage import Refusals, SecretUses, together, write_refusals, write_secret_uses
from core.access.actors import SYSTEM
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

NOW = timezone.now()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def refusals(bot: Bot, reason: str = "bad_signature", *, requests: int = 1, at=NOW) -> Refusals:
    return Refusals(bot.pk, reason, first_at=at, last_at=at, requests=requests)


def counted(bot: Bot) -> dict[str, int]:
    return dict(bot.refused_pushes.values_list("reason", "requests"))


def test_notes_of_a_key_become_one():
    older, newer = refusals(Bot(), at=NOW - MINUTE, requests=3), refusals(Bot(), requests=2)
    both = together(older, newer)
    assert (both.requests, both.first_at, both.last_at) == (5, NOW - MINUTE, NOW)


def test_refusals_add_up_to_one_row_a_reason():
    bot, other = make_bot(), make_bot()
    write_refusals([refusals(bot, requests=1000), refusals(bot, "plain_body"), refusals(other)])
    write_refusals([refusals(bot, requests=2, at=NOW + MINUTE)])
    assert counted(bot) == {"bad_signature": 1002, "plain_body": 1}
    assert counted(other) == {"bad_signature": 1}
    row = RefusedPush.objects.get(bot=bot, reason="bad_signature")
    assert (row.first_at, row.last_at) == (NOW, NOW + MINUTE)


def test_count_begins_again_after_a_day_without_refusals():
    bot = make_bot()
    write_refusals([refusals(bot, requests=7, at=NOW - DAY - MINUTE)])
    write_refusals([refusals(bot)])
    assert counted(bot) == {"bad_signature": 1}
    assert RefusedPush.objects.get().first_at == NOW


def test_notes_of_a_bot_that_is_gone_are_left_out():
    bot = make_bot()
    write_refusals([Refusals(uuid4(), "bad_signature", first_at=NOW, last_at=NOW), refusals(bot)])
    assert RefusedPush.objects.get().bot == bot


def test_uses_count_for_the_rotation_they_belong_to():
    bot, _ = put_bot(
        app_id=make_bot(encrypt_key="old").app_id,
        changes=BotChanges({"next_encrypt_key": "new"}),
        actor=SYSTEM,
    )
    assert bot.rotation_ends_at is not None

    def uses(*, is_next: bool, ends_at) -> SecretUses:
        return SecretUses(bot.pk, WebhookSecret.ENCRYPT_KEY, is_next, ends_at, first_at=NOW, last_at=NOW)

    now_on, before = bot.rotation_ends_at, bot.rotation_ends_at - DAY
    write_secret_uses([uses(is_next=True, ends_at=now_on), uses(is_next=False, ends_at=now_on)])
    write_secret_uses([uses(is_next=True, ends_at=now_on), uses(is_next=True, ends_at=before)])
    rows = SecretUse.objects.values_list("secret", "is_next", "requests")
    assert sorted(rows) == [("encrypt_key", False, 1), ("encrypt_key", True, 2)]
    Bot.objects.filter(pk=bot.pk).update(rotation_ends_at=None)
    SecretUse.objects.all().delete()
    write_secret_uses([uses(is_next=True, ends_at=now_on)])
    assert not SecretUse.objects.exists()
