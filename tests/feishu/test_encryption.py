import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.encryption import decrypt, encrypt
from feishu.errors import DecryptionError

SAMPLE = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="


def test_the_sample_of_the_documentation_is_opened():
    assert decrypt("test key", SAMPLE) == b"hello world"


def test_the_sample_is_made_again_with_its_own_iv():
    iv = base64.b64decode(SAMPLE)[:16]
    assert encrypt("test key", b"hello world", iv) == SAMPLE


def test_two_encryptions_differ():
    assert encrypt("k", b"x") != encrypt("k", b"x")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary())
def test_what_was_encrypted_is_opened_with_the_same_key(key, plaintext):
    assert decrypt(key, encrypt(key, plaintext)) == plaintext


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_official_sdk_opens_what_we_encrypt(sdk, text):
    assert sdk.AESCipher("test key").decrypt_str(encrypt("test key", text.encode())) == text


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "not base64!",
        "AAAA",
        base64.b64encode(b"x" * 16).decode(),
        base64.b64encode(b"x" * 40).decode(),
        "密文",
    ],
)
def test_damaged_text_is_refused(encrypted):
    with pytest.raises(DecryptionError):
        decrypt("test key", encrypted)


def test_another_key_is_refused():
    with pytest.raises(DecryptionError):
        decrypt("other key", SAMPLE)


@given(st.binary(max_size=100))
def test_garbage_is_refused_or_opened_but_never_breaks(data):
    with contextlib.suppress(DecryptionError):
        decrypt("test key", base64.b64encode(data).decode())
