"""The key ring: Fernet keys that encrypt secrets at rest, each bound to its row.

A sealed value opens only for the row, field and kind of secret it was sealed for, and where the binding names a
destination after an ``@``, only for that: the binding is written into the plaintext before encryption and compared after
it, because Fernet has no associated data of its own.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.signals import setting_changed

SEPARATOR = b"\x00"


class SealedValueError(Exception):
    """A stored secret could not be opened: its key is missing from ENCRYPTION_KEYS, or it belongs to another row or to
    another destination."""


@lru_cache(maxsize=1)
def _ring() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def _forget_ring(*, setting: str, **_kwargs: object) -> None:
    if setting == "ENCRYPTION_KEYS":
        _ring.cache_clear()


setting_changed.connect(_forget_ring)


def seal(plaintext: str, *, binding: str) -> str:
    """``plaintext`` encrypted with the first key and bound to ``binding``."""
    return _ring().encrypt(binding.encode() + SEPARATOR + plaintext.encode()).decode("ascii")


def unseal(ciphertext: str, *, binding: str) -> str:
    """The plaintext of ``ciphertext``; raises SealedValueError rather than ever return a wrong value."""
    name, _at, destination = binding.partition("@")
    try:
        bound, _, plaintext = _ring().decrypt(ciphertext.encode("ascii")).partition(SEPARATOR)
    except InvalidToken as error:
        raise SealedValueError(
            f"{name}: none of the ENCRYPTION_KEYS opens this value. Put the key it was written with back into "
            "ENCRYPTION_KEYS."
        ) from error
    if bound != binding.encode():
        if destination and bound.startswith(f"{name}@".encode()):
            raise SealedValueError(
                f"{name}: the sealed value was entered for another destination. Enter it again."
            )
        raise SealedValueError(f"{name}: the sealed value belongs to another row or field.")
    return plaintext.decode()


def reseal(ciphertext: str) -> str:
    """The same value under the key that writes, bound as it was; unchanged if it is already. Raises SealedValueError."""
    sealed = ciphertext.encode("ascii")
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(sealed)
    except InvalidToken:
        try:
            return _ring().rotate(sealed).decode("ascii")
        except InvalidToken as error:
            raise SealedValueError("None of the ENCRYPTION_KEYS opens this value.") from error
    return ciphertext
