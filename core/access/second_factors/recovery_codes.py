"""Recovery codes, for whoever has lost the phone: each works once. They are shown when they are made, and never again."""

import base64
import hashlib
import secrets
from typing import Final

from django.db import transaction
from django.utils import timezone

from core.access.models import RecoveryCode, User
from core.access.second_factors.typed import letters_and_digits

COUNT: Final = 10
_BYTES: Final = 10
"""80 bits: guessing one from the digest in a copy of the database is out of reach."""
_GROUP: Final = 4


def make_codes(user: User) -> list[str]:
    """New codes, e.g. ``k3fq-7m2a-xw5e-p4hb``, in the place of all former ones."""
    codes = [base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower() for _ in range(COUNT)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user, code)) for code in codes
        )
    return ["-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in codes]


def accept(user: User, code: str) -> bool:
    """Use a code up. Blanks, hyphens and capitals do not matter."""
    digest = _digest(user, letters_and_digits(code))
    unused = RecoveryCode.objects.filter(user=user, digest=digest, used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def count_unused(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _digest(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.pk}:{code}".encode(errors="replace")).hexdigest()
