import pytest
from cryptography.fernet import Fernet

from core.vault.keyring import SealedValueError, seal, unseal


def test_sealed_value_opens_for_the_binding_it_was_sealed_for():
    assert unseal(seal("s3cret", binding="a"), binding="a") == "s3cret"


def test_sealed_value_does_not_show_the_secret():
    assert "s3cret" not in seal("s3cret", binding="a")


def test_sealed_value_does_not_open_for_another_row():
    with pytest.raises(SealedValueError, match="another row"):
        unseal(seal("s3cret", binding="bots.bot.app_secret:1"), binding="bots.bot.app_secret:2")


def test_value_sealed_with_a_lost_key_is_an_error_and_never_ciphertext(settings):
    sealed = seal("s3cret", binding="a")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SealedValueError, match="ENCRYPTION_KEYS"):
        unseal(sealed, binding="a")


def test_old_key_behind_a_new_one_still_opens(settings):
    sealed = seal("s3cret", binding="a")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert unseal(sealed, binding="a") == "s3cret"


def test_plaintext_holding_the_separator_survives():
    assert unseal(seal("a\x00b", binding="x"), binding="x") == "a\x00b"
