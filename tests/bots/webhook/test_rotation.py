"""Two valid secrets at a time: what becomes of the next one, and when."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from bots.enums import PlatformName, Transport, WebhookSecret
from bots.models import Bot, SecretUse
from bots.service import NEXT, BotChanges, delete_bot, put_bot
from bots.webhook.rotation import LASTS, QUIET, Decision, decide, promote, settle_rotations
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.vault.keyring import SealedValueError
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

KEY, TOKEN = WebhookSecret.ENCRYPT_KEY, WebhookSecret.VERIFICATION_TOKEN
NOW = timezone.now()
HOUR = timedelta(hours=1)


def use(*, hours_ago: float, first: float | None = None) -> SecretUse:
    """One that was used last that many hours ago."""
    first_at = NOW - HOUR * (hours_ago if first is None else first)
    return SecretUse(first_at=first_at, last_at=NOW - HOUR * hours_ago, requests=1)


@pytest.mark.parametrize(
    ("current", "following", "has_current", "ends_in", "decision"),
    [
        # Nobody has seen the next one.
        (use(hours_ago=0), None, True, 1, Decision.KEEP),
        (None, None, True, 1, Decision.KEEP),
        (use(hours_ago=0), None, True, 0, Decision.DROP),
        (None, None, False, 0, Decision.DROP),
        # The platform uses it.
        (use(hours_ago=0), use(hours_ago=0, first=7), True, 1, Decision.KEEP),
        (use(hours_ago=7), use(hours_ago=0, first=7), True, 1, Decision.KEEP),
        (use(hours_ago=8), use(hours_ago=0, first=9), True, 1, Decision.PROMOTE),
        (use(hours_ago=20), use(hours_ago=0, first=7), True, 1, Decision.KEEP),
        (None, use(hours_ago=1, first=8), True, 1, Decision.PROMOTE),
        (None, use(hours_ago=0, first=7), True, 1, Decision.KEEP),
        # At the end.
        (None, use(hours_ago=0), True, 0, Decision.PROMOTE),
        (use(hours_ago=0), use(hours_ago=8), True, 0, Decision.DROP),
        (use(hours_ago=0), use(hours_ago=7), True, 0, Decision.PROLONG),
        (use(hours_ago=1), use(hours_ago=0), True, 0, Decision.PROLONG),
        # From no key to one: nothing weaker from the first signed request on.
        (None, use(hours_ago=0), False, 1, Decision.PROMOTE),
    ],
)
def test_use_decides_what_becomes_of_a_next_secret(
    current: SecretUse | None,
    following: SecretUse | None,
    has_current: bool,  # noqa: FBT001 -- a column of the table
    ends_in: int,
    decision: Decision,
) -> None:
    ends_at = NOW + HOUR * ends_in
    assert (
        decide(current=current, following=following, has_current=has_current, ends_at=ends_at, now=NOW)
        is decision
    )


def change(bot: Bot, **values: Any) -> Bot:
    changed, _ = put_bot(app_id=bot.app_id, changes=BotChanges(values), actor=SYSTEM)
    return Bot.objects.get(pk=changed.pk)


def rotating(**values: Any) -> Bot:
    """A bot with both secrets, whose next Encrypt Key was entered."""
    defaults = {"transport": Transport.WEBHOOK, "encrypt_key": "old key", "verification_token": "token"}
    bot = make_bot(**(defaults | values))
    return change(bot, next_encrypt_key="new key")


def used(bot: Bot, secret: WebhookSecret, *, is_next: bool, hours_ago: float = 0, first: float = 0) -> None:
    now = timezone.now()
    SecretUse.objects.create(
        bot=bot,
        secret=secret,
        is_next=is_next,
        requests=1,
        first_at=now - HOUR * (first or hours_ago),
        last_at=now - HOUR * hours_ago,
    )


def end_now(bot: Bot) -> None:
    Bot.objects.filter(pk=bot.pk).update(rotation_ends_at=timezone.now())


def audited() -> tuple[str, Any]:
    entry = AuditEntry.objects.latest("id")
    assert "key" not in str(entry.detail).replace("encrypt_key", "")  # names, never values
    return entry.action, entry.detail.get("changed")


def test_next_secret_has_an_end_and_is_sealed_apart() -> None:
    bot = rotating()
    assert (bot.encrypt_key, bot.next_encrypt_key) == ("old key", "new key")
    assert bot.next_secrets == [KEY]
    assert bot.rotation_ends_at is not None
    assert abs(bot.rotation_ends_at - timezone.now() - LASTS) < timedelta(minutes=5)
    stored = Bot.objects.filter(pk=bot.pk).values_list("next_encrypt_key", flat=True).get()
    assert "new key" not in stored
    assert audited() == ("bot.updated", ["next_encrypt_key"])


def test_next_secret_opens_at_its_destination_alone() -> None:
    bot = rotating()
    Bot.objects.filter(pk=bot.pk).update(open_url="http://elsewhere.test")
    with pytest.raises(SealedValueError):
        _ = Bot.objects.get(pk=bot.pk).next_encrypt_key


def test_bot_that_moves_keeps_only_next_secrets_that_come_with_it() -> None:
    bot = change(rotating(), platform=PlatformName.LARK, app_secret="s")
    assert (bot.next_encrypt_key, bot.rotation_ends_at) == ("", None)
    assert bot.encrypt_key == "old key"
    bot = change(bot, platform=PlatformName.FEISHU, app_secret="s", next_verification_token="t2")
    assert (bot.next_secrets, bot.next_verification_token) == ([TOKEN], "t2")
    assert bot.rotation_ends_at is not None


def test_next_secret_is_not_the_current_one() -> None:
    bot = make_bot(encrypt_key="the key")
    for values in ({"next_encrypt_key": "the key"}, {"encrypt_key": "k", "next_encrypt_key": "k"}):
        with pytest.raises(ValidationError) as caught:
            change(bot, **values)
        assert caught.value.message_dict.keys() == {"next_encrypt_key"}
    assert Bot.objects.get(pk=bot.pk).encrypt_key == "the key"


def test_same_next_secret_again_goes_on_with_the_rotation() -> None:
    bot = rotating()
    used(bot, KEY, is_next=True)
    again = change(bot, next_encrypt_key="new key")
    assert again.rotation_ends_at == bot.rotation_ends_at
    assert bot.secret_uses.count() == 1
    another = change(bot, next_encrypt_key="third key")
    assert another.next_encrypt_key == "third key"
    assert bot.secret_uses.count() == 0


def test_removing_the_next_secret_ends_the_rotation() -> None:
    bot = rotating()
    used(bot, KEY, is_next=False)
    put_bot(app_id=bot.app_id, changes=BotChanges(removed=frozenset(NEXT)), actor=SYSTEM)
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.next_encrypt_key, bot.rotation_ends_at, bot.encrypt_key) == ("", None, "old key")
    assert bot.secret_uses.count() == 0


def test_promoting_puts_the_next_secrets_in_the_place_of_the_current_ones() -> None:
    bot = rotating()
    used(bot, KEY, is_next=True)
    assert promote(bot, actor=SYSTEM) == [KEY]
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.encrypt_key, bot.next_encrypt_key, bot.rotation_ends_at) == ("new key", "", None)
    assert bot.verification_token == "token"
    assert bot.secret_uses.count() == 0
    assert audited() == ("bot.secrets_promoted", ["encrypt_key"])
    assert promote(bot, actor=SYSTEM) == []


def test_sweep_promotes_what_the_platform_has_changed_over_to() -> None:
    bot = rotating()
    used(bot, KEY, is_next=True, first=9)
    used(bot, KEY, is_next=False, hours_ago=8.5)
    settle_rotations()
    assert Bot.objects.get(pk=bot.pk).encrypt_key == "new key"
    assert audited() == ("bot.secrets_promoted", ["encrypt_key"])


def test_sweep_drops_what_was_never_used_at_the_end_and_not_before() -> None:
    bot = rotating()
    used(bot, KEY, is_next=False)
    settle_rotations()
    assert Bot.objects.get(pk=bot.pk).next_encrypt_key == "new key"
    end_now(bot)
    settle_rotations()
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.encrypt_key, bot.next_encrypt_key, bot.rotation_ends_at) == ("old key", "", None)
    assert audited() == ("bot.next_secrets_expired", ["encrypt_key"])
    assert bot.secret_uses.count() == 0


def test_each_secret_is_decided_by_its_own_use() -> None:
    bot = change(rotating(), next_verification_token="new token")
    used(bot, KEY, is_next=True, first=QUIET.total_seconds() / 3600 + 1)
    settle_rotations()
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.encrypt_key, bot.verification_token) == ("new key", "token")
    assert bot.next_secrets == [TOKEN]
    assert bot.rotation_ends_at is not None


def test_rotation_goes_on_while_both_secrets_are_in_use() -> None:
    bot = rotating()
    for is_next in (True, False):
        used(bot, KEY, is_next=is_next)
    end_now(bot)
    settle_rotations()
    bot = Bot.objects.get(pk=bot.pk)
    assert bot.next_encrypt_key == "new key"
    assert bot.rotation_ends_at is not None
    assert bot.rotation_ends_at > timezone.now() + HOUR
    assert audited() == ("bot.rotation_prolonged", ["encrypt_key"])


def test_first_key_of_a_bot_is_promoted_as_soon_as_it_is_used() -> None:
    bot = rotating(encrypt_key="")
    used(bot, KEY, is_next=True)
    settle_rotations()
    assert Bot.objects.get(pk=bot.pk).encrypt_key == "new key"


def test_secret_that_no_key_opens_stops_no_other_rotation(settings: Any) -> None:
    sealed, other = rotating(), make_bot(encrypt_key="old key")
    used(sealed, KEY, is_next=True, first=9)
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    change(other, app_secret="s", encrypt_key="old key", next_encrypt_key="new key")
    used(other, KEY, is_next=True, first=9)
    settle_rotations()
    assert Bot.objects.get(pk=other.pk).encrypt_key == "new key"
    assert Bot.objects.get(pk=sealed.pk).next_secrets == [KEY]


def test_deleted_bot_keeps_no_next_secret() -> None:
    bot = rotating()
    delete_bot(bot, actor=SYSTEM)
    kept = Bot.with_deleted.filter(pk=bot.pk).first()
    assert kept is None or (kept.next_secrets == [] and kept.rotation_ends_at is None)
