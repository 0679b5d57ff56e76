import pytest
from django.db import connection

from bots.models import Bot
from core.vault.fields import encrypted_field
from core.vault.keyring import SealedValueError
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def column(bot: Bot) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_secret FROM bots_bot WHERE app_id = %s", [bot.app_id])
        return cursor.fetchone()[0]


def test_column_holds_ciphertext_and_the_attribute_the_secret():
    bot = make_bot(app_secret="very-secret")
    assert "very-secret" not in column(bot)
    assert Bot.objects.get(pk=bot.pk).app_secret == "very-secret"


def test_saving_a_row_that_was_only_read_keeps_its_ciphertext():
    bot = make_bot()
    before = column(bot)
    Bot.objects.get(pk=bot.pk).save()
    assert column(bot) == before


def test_setting_the_same_secret_keeps_its_ciphertext():
    bot = Bot.objects.get(pk=make_bot(app_secret="same").pk)
    before = column(bot)
    bot.app_secret = "same"
    bot.save()
    assert column(bot) == before


def test_empty_secret_stays_empty():
    bot = make_bot(encrypt_key="")
    assert Bot.objects.filter(pk=bot.pk, encrypt_key="").exists()
    assert Bot.objects.get(pk=bot.pk).encrypt_key == ""


def test_ciphertext_of_one_row_does_not_open_in_another():
    one, other = make_bot(app_secret="one"), make_bot(app_secret="other")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bots_bot SET app_secret = %s WHERE app_id = %s", [column(one), other.app_id])
    with pytest.raises(SealedValueError):
        _ = Bot.objects.get(pk=other.pk).app_secret


def test_ciphertext_of_one_field_does_not_open_in_another_field():
    bot = make_bot(app_secret="one")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bots_bot SET encrypt_key = app_secret")
    with pytest.raises(SealedValueError):
        _ = Bot.objects.get(pk=bot.pk).encrypt_key


def test_update_with_plaintext_is_refused():
    bot = make_bot()
    with pytest.raises(TypeError, match="seal_for"):
        Bot.objects.filter(pk=bot.pk).update(app_secret="plain")


def test_update_with_a_sealed_value_is_stored():
    bot = make_bot()
    Bot.objects.filter(pk=bot.pk).update(app_secret=encrypted_field(Bot, "app_secret").seal_for(bot, "fresh"))
    assert Bot.objects.get(pk=bot.pk).app_secret == "fresh"


def test_listing_rows_opens_no_secret(settings, monkeypatch):
    make_bot()
    monkeypatch.setattr("core.vault.fields.unseal", lambda *_a, **_k: pytest.fail("opened"))
    assert [bot.name for bot in Bot.objects.all()]


def test_deferred_secret_is_loaded_when_asked_for():
    bot = make_bot(app_secret="later")
    assert Bot.objects.defer("app_secret").get(pk=bot.pk).app_secret == "later"
