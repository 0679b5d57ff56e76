"""The webhook on a bot's page: rotating secrets, and what was refused. Secrets themselves are never shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bots.enums import Transport, WebhookSecret
from bots.models import Bot, RefusedPush, SecretUse
from core.access.models import AuditEntry, User
from tests.bots.admin.test_bots import form_of
from tests.console.operators import *  # noqa: F403 -- fixtures
from tests.console.rows import Rows, messages_of, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db

PROMOTE = "use_next_secrets"


@pytest.fixture
def bot(rows: Rows) -> Bot:
    Bot.objects.filter(pk=rows.bot.pk).update(transport=Transport.WEBHOOK)
    return stored(rows.bot)


def stored(bot: Bot) -> Bot:
    return Bot.objects.get(pk=bot.pk)


def save(client: Client, bot: Bot, **values: Any) -> Any:
    return client.post(page_of("bots_bot", bot), form_of(bot, **values))


def page(client: Client, bot: Bot) -> str:
    return text_of(client.get(page_of("bots_bot", bot)))


def used(bot: Bot, secret: WebhookSecret, *, is_next: bool, requests: int) -> None:
    now = timezone.now()
    SecretUse.objects.create(
        bot=bot, secret=secret, is_next=is_next, requests=requests, first_at=now, last_at=now
    )


def test_next_secrets_are_entered_and_shown_by_their_end_alone(bot: Bot, as_owner: Client) -> None:
    assert save(as_owner, bot, next_encrypt_key="the-next-key", rotation_days="3").status_code == 302
    bot = stored(bot)
    assert (bot.encrypt_key, bot.next_encrypt_key) == ("the-encrypt-key", "the-next-key")
    assert bot.rotation_ends_at is not None
    lasts = bot.rotation_ends_at - timezone.now()
    assert timedelta(days=2, hours=23) < lasts <= timedelta(days=3)
    entry = AuditEntry.objects.filter(action="bot.updated").latest("id")
    assert entry.detail == {"changed": ["next_encrypt_key", "rotation_ends_at"]}
    html = page(as_owner, bot)
    assert "the-next-key" not in html
    assert html.count("Set until ") == 1
    assert "not used yet" in html


def test_end_may_be_moved_without_the_secret(bot: Bot, as_owner: Client) -> None:
    save(as_owner, bot, next_verification_token="the-next-token")
    before = stored(bot).rotation_ends_at
    save(as_owner, bot, rotation_days="")
    assert stored(bot).rotation_ends_at == before
    save(as_owner, bot, rotation_days="30")
    bot = stored(bot)
    assert before is not None
    assert bot.rotation_ends_at is not None
    assert bot.rotation_ends_at > before + timedelta(days=20)
    assert bot.next_verification_token == "the-next-token"
    assert AuditEntry.objects.filter(action="bot.updated").latest("id").detail == {
        "changed": ["rotation_ends_at"]
    }


def test_next_secret_is_removed(bot: Bot, as_owner: Client) -> None:
    save(as_owner, bot, next_encrypt_key="the-next-key")
    save(as_owner, bot, **{"next_encrypt_key-remove": "1", "rotation_days": ""})
    bot = stored(bot)
    assert (bot.next_secrets, bot.rotation_ends_at, bot.encrypt_key) == ([], None, "the-encrypt-key")


@pytest.mark.parametrize("days", ["0", "31", "-1", "x"])
def test_other_spans_are_refused(bot: Bot, as_owner: Client, days: str) -> None:
    answer = save(as_owner, bot, next_encrypt_key="the-next-key", rotation_days=days)
    assert answer.context["adminform"].form.errors["rotation_days"]
    assert stored(bot).next_secrets == []


def test_current_secret_is_no_next_one(bot: Bot, as_owner: Client) -> None:
    for values in (
        {"next_encrypt_key": "the-encrypt-key"},
        {"encrypt_key": "another", "next_encrypt_key": "another"},
    ):
        answer = save(as_owner, bot, **values)
        assert answer.context["adminform"].form.errors["next_encrypt_key"]
    assert (stored(bot).encrypt_key, stored(bot).next_secrets) == ("the-encrypt-key", [])


def test_page_says_which_secret_the_platform_uses(bot: Bot, as_owner: Client, owner: User) -> None:
    save(as_owner, bot, next_encrypt_key="the-next-key", next_verification_token="the-next-token")
    used(bot, WebhookSecret.ENCRYPT_KEY, is_next=True, requests=12)
    used(bot, WebhookSecret.ENCRYPT_KEY, is_next=False, requests=3)
    html = page(as_owner, bot)
    assert "12 requests" in html
    assert "3 requests" in html
    assert "The platform uses the next one." in html
    assert "The platform does not use the next one yet" in html
    chinese = page(signed_in(owner, "zh-CN"), bot)
    assert "12 个请求" in chinese
    assert "The platform" not in chinese


def test_next_secrets_are_put_in_use_after_a_question(bot: Bot, as_owner: Client) -> None:
    save(as_owner, bot, next_encrypt_key="the-next-key", next_verification_token="the-next-token")
    used(bot, WebhookSecret.ENCRYPT_KEY, is_next=True, requests=1)
    address = page_of("bots_bot", bot, PROMOTE)
    question = text_of(as_owner.get(address))
    assert "No request has used it yet: Verification Token." in question
    assert stored(bot).encrypt_key == "the-encrypt-key"
    said = messages_of(as_owner.post(address, follow=True))
    assert said[0] == "Only the new secrets are valid from now on."
    bot = stored(bot)
    assert (bot.encrypt_key, bot.verification_token, bot.next_secrets) == (
        "the-next-key",
        "the-next-token",
        [],
    )
    entry = AuditEntry.objects.get(action="bot.secrets_promoted")
    assert (entry.actor, entry.detail) == (
        "operator:owner",
        {"changed": ["encrypt_key", "verification_token"]},
    )
    assert messages_of(as_owner.post(address, follow=True))[0] == "There is no next secret."


def test_next_secret_that_does_not_open_is_told(bot: Bot, as_owner: Client, settings: Any) -> None:
    save(as_owner, bot, next_encrypt_key="the-next-key")
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert as_owner.get(page_of("bots_bot", bot)).status_code == 200
    said = messages_of(as_owner.post(page_of("bots_bot", bot, PROMOTE), follow=True))
    assert "A next secret cannot be opened; enter it again." in said


def test_button_is_there_during_a_rotation_alone(bot: Bot, as_owner: Client) -> None:
    assert "/use-next-secrets" not in page(as_owner, bot)
    save(as_owner, bot, next_encrypt_key="the-next-key")
    assert "/use-next-secrets" in page(as_owner, bot)


def test_stranger_neither_enters_nor_promotes(bot: Bot, as_owner: Client, as_stranger: Client) -> None:
    save(as_stranger, bot, next_encrypt_key="the-strangers-key")
    assert stored(bot).next_secrets == []
    save(as_owner, bot, next_encrypt_key="the-next-key")
    for method in (as_stranger.get, as_stranger.post):
        assert method(page_of("bots_bot", bot, PROMOTE)).status_code == 404
    assert stored(bot).encrypt_key == "the-encrypt-key"


def refuse(bot: Bot, reason: str, *, requests: int = 1, hours_ago: float = 0) -> None:
    at = timezone.now() - timedelta(hours=hours_ago)
    RefusedPush.objects.create(bot=bot, reason=reason, requests=requests, first_at=at, last_at=at)


def test_page_says_why_requests_were_refused_and_what_to_do(bot: Bot, as_owner: Client, owner: User) -> None:
    assert "refusals are nothing unusual" not in page(as_owner, bot)
    refuse(bot, "wrong_verification_token", requests=41)
    refuse(bot, "body_rewritten", hours_ago=2)
    refuse(bot, "of another version", hours_ago=3)
    answer = as_owner.get(page_of("bots_bot", bot))
    [notice] = [text for text in answer.context["notices"] if "webhook" in text]
    assert "41 requests" in notice
    assert "enter it as the next one" in notice
    html = text_of(answer)
    assert "the Encrypt Key is right: something between" in html
    assert "of another version" in html
    chinese = page(signed_in(owner, "zh-CN"), bot)
    assert "41 个请求" in chinese
    assert "Verification Token 不符" in chinese
    assert "refused" not in chinese.lower().split("<main")[-1].replace('data-testid="refused"', "").replace(
        "field-refused", ""
    )


def test_stranger_sees_no_refusals(bot: Bot, as_stranger: Client) -> None:
    refuse(bot, "bad_signature")
    assert as_stranger.get(page_of("bots_bot", bot), follow=True).status_code == 404


def test_bot_of_the_long_connection_shows_what_concerns_it_alone(rows: Rows, as_owner: Client) -> None:
    html = page(as_owner, rows.bot)
    assert "next_encrypt_key" not in html
    assert "Refused requests" not in html
    refuse(rows.bot, "no_webhook_bot")
    assert "There is no such bot that gets its events by webhook" in page(as_owner, rows.bot)
