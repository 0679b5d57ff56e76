"""Bodies under an Encrypt Key: AES-256-CBC, key SHA-256 of the Encrypt Key, IV first, PKCS#7, base64.

The page is "Encrypt Key encryption configuration". Bodies are encrypted over HTTP only, never on the long
connection. CBC proves nothing about the sender: check the signature first.
"""

import base64
import binascii
import hashlib
import os

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from feishu.errors import DecryptionError

_IV_BYTES = 16


def decrypt(encrypt_key: str, encrypted: str) -> bytes:
    """The plaintext of the `encrypt` field. Raises DecryptionError for another key or damaged text."""
    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecryptionError("the encrypted body is not base64") from error
    iv, ciphertext = data[:_IV_BYTES], data[_IV_BYTES:]
    if not ciphertext or len(ciphertext) % _IV_BYTES:
        raise DecryptionError("the encrypted body has the wrong length")
    decryptor = _cipher(encrypt_key, iv).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = PKCS7(AES.block_size).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise DecryptionError from error


def encrypt(encrypt_key: str, plaintext: bytes, iv: bytes | None = None) -> str:
    """The value of the `encrypt` field. `iv`: 16 bytes, random unless given."""
    iv = os.urandom(_IV_BYTES) if iv is None else iv
    padder = PKCS7(AES.block_size).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = _cipher(encrypt_key, iv).encryptor()
    return base64.b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode("ascii")


def _cipher(encrypt_key: str, iv: bytes) -> Cipher[CBC]:
    return Cipher(AES(hashlib.sha256(encrypt_key.encode()).digest()), CBC(iv))
