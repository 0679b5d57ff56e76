"""Changing the keys while everything runs."""

from itertools import pairwise

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.models import AuditEntry, KeyCanary
from core.vault import canary, rotation
from core.vault.fields import encrypted_field
from core.vault.keyring import SealedValueError
from core.vault.rotation import RotationResult, encrypted_columns, rotate_keys
from feishu_portal.checks import encryption_keys_open_the_database
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings) -> list[str]:
    """The new key first, the old one behind it."""
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    return settings.ENCRYPTION_KEYS


@pytest.fixture
def bots() -> list[Bot]:
    return [make_bot(app_secret=f"secret-{number}", encrypt_key="key") for number in range(3)]


def columns(bot: Bot) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_secret, encrypt_key FROM bots_bot WHERE app_id = %s", [bot.app_id])
        return dict(zip(("app_secret", "encrypt_key"), cursor.fetchone(), strict=True))


def test_every_encrypted_field_is_found_and_the_canary_is_last():
    names = [f"{column.model._meta.label}.{column.name}" for column in encrypted_columns()]
    assert {"bots.Bot.app_secret", "auth_sessions.UserToken.refresh_token"} <= set(names)
    assert names[-1] == "access.KeyCanary.sealed"


def test_processes_of_two_neighbouring_rounds_read_what_the_others_write(settings):
    """As docs/operations/keys.md has the rounds: while processes are restarted, some are a round behind."""
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    rounds = [[old], [old, new], [new, old], [new]]
    bot = make_bot()
    for behind, ahead in pairwise(rounds):
        if ahead == [new]:
            settings.ENCRYPTION_KEYS = behind
            rotate_keys(actor=SYSTEM)
        for writer, reader in ((behind, ahead), (ahead, behind)):
            settings.ENCRYPTION_KEYS = writer
            bot.app_secret = f"written with {len(writer)} keys"
            bot.save()
            settings.ENCRYPTION_KEYS = reader
            assert Bot.objects.get(pk=bot.pk).app_secret == bot.app_secret
            canary.verify_keys()


def test_old_key_can_be_taken_out_afterwards(bots, settings, request):
    grant = make_grant(bots[0])
    keys = request.getfixturevalue("keys")
    call_command("rotatekeys")
    settings.ENCRYPTION_KEYS = keys[:1]
    assert [Bot.objects.get(pk=bot.pk).app_secret for bot in bots] == ["secret-0", "secret-1", "secret-2"]
    assert UserToken.objects.get(pk=grant.pk).refresh_token == "refresh-token-1"
    canary.verify_keys()
    assert AuditEntry.objects.get(action="keys.rotated").detail == {
        "rotated": 9,
        "unchanged": 0,
        "overtaken": 0,
        "unreadable": 0,
    }


def test_dry_run_counts_and_changes_nothing(bots, keys, capsys):
    before = columns(bots[0])
    call_command("rotatekeys", "--dry-run")
    assert columns(bots[0]) == before
    assert "7 values would be re-encrypted" in capsys.readouterr().out


def test_second_run_finds_nothing_left(bots, keys, capsys):
    call_command("rotatekeys")
    capsys.readouterr()
    call_command("rotatekeys")
    assert capsys.readouterr().out.startswith("0 values re-encrypted, 7 were")


def test_interrupted_rotation_goes_on_where_it_stopped(bots, keys, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)

    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_keys(actor=SYSTEM, on_progress=interrupt)
    assert rotate_keys(actor=SYSTEM) == RotationResult(rotated=5, unchanged=2)


def test_write_at_the_same_time_wins(bots, keys, monkeypatch):
    secrets, reseal = encrypted_field(Bot, "app_secret"), rotation.reseal

    def write_meanwhile(old: str) -> str:
        Bot.objects.update(app_secret=secrets.seal_for(bots[0], "written meanwhile"))
        return reseal(old)

    Bot.objects.exclude(pk=bots[0].pk).delete()
    monkeypatch.setattr(rotation, "reseal", write_meanwhile)
    monkeypatch.setattr(rotation, "encrypted_columns", lambda: [secrets])
    result = rotate_keys(actor=SYSTEM)
    assert (result.overtaken, result.unreadable) == (1, [])
    assert Bot.objects.get().app_secret == "written meanwhile"


def test_value_that_no_key_opens_is_named_and_the_canary_keeps_the_old_key(bots, keys, settings):
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    foreign = encrypted_field(Bot, "app_secret").seal_for(bots[1], "lost")
    settings.ENCRYPTION_KEYS = old
    Bot.objects.filter(pk=bots[1].pk).update(app_secret=foreign)
    with pytest.raises(CommandError, match=f"bots.bot.app_secret:{bots[1].pk}"):
        call_command("rotatekeys")
    assert Bot.objects.get(pk=bots[2].pk).app_secret == "secret-2"
    settings.ENCRYPTION_KEYS = old[:1]
    with pytest.raises(SealedValueError):
        canary.verify_keys()


def test_missing_key_is_said_at_start(settings):
    canary.create_canary()
    assert encryption_keys_open_the_database() == []
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SealedValueError, match="rotatekeys"):
        canary.verify_keys()
    assert [problem.id for problem in encryption_keys_open_the_database(databases=["default"])] == [
        "feishu_portal.E003"
    ]
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        call_command("runfeishu")


def test_canary_from_elsewhere_is_no_right_key():
    canary.create_canary()
    KeyCanary.objects.update(
        sealed=encrypted_field(KeyCanary, "sealed").seal_for(KeyCanary(), "another plaintext")
    )
    with pytest.raises(SealedValueError):
        canary.verify_keys()


def test_ciphertext_of_one_model_does_not_open_in_another():
    bot = make_bot(app_secret="one")
    grant = make_grant(bot)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_sessions_usertoken SET refresh_token = (SELECT app_secret FROM bots_bot)")
    with pytest.raises(SealedValueError, match="another row or field"):
        _ = UserToken.objects.get(pk=grant.pk).refresh_token
