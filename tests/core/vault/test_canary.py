import pytest
from cryptography.fernet import Fernet

from core.access.models import KeyCanary
from core.vault.canary import create_canary, verify_keys
from core.vault.keyring import SealedValueError

pytestmark = pytest.mark.django_db


def test_keys_with_which_the_database_was_written_are_right(settings):
    create_canary()
    verify_keys()

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]

    verify_keys()


def test_other_keys_are_refused_in_both_languages(settings):
    create_canary()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(SealedValueError, match=r"(?s)rotatekeys.*缺少"):
        verify_keys()


def test_canary_is_made_once():
    create_canary()
    [before] = KeyCanary.objects.all()
    create_canary()

    [after] = KeyCanary.objects.all()
    assert after.pk == before.pk


def test_empty_database_refuses_no_keys():
    KeyCanary.objects.all().delete()
    verify_keys()
