"""Codes of authenticator apps (TOTP, RFC 6238): six digits every 30 seconds, by the apps' common defaults.

The secret is sealed in the database. A code is taken once, and one step of drift either way.
"""

import base64
import secrets
import time
from typing import Final
from urllib.parse import quote, urlencode

from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from core.access.models import TotpDevice, User
from core.access.second_factors.errors import FactorLimitError
from core.access.second_factors.typed import letters_and_digits
from core.vault.keyring import SealedValueError

ISSUER: Final = "Feishu Portal"
MAX_DEVICES: Final = 5
"""Of one operator."""
_SECRET_BYTES: Final = 20
_DIGITS: Final = 6
_DRIFT: Final = 1  # steps


def begin(user: User) -> TotpDevice:
    """A device that counts once a code has confirmed it; it takes the place of one that was never confirmed.

    Raises FactorLimitError.
    """
    with transaction.atomic():
        if TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).count() >= MAX_DEVICES:
            raise FactorLimitError
        TotpDevice.objects.filter(user=user, confirmed_at=None).delete()
        secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        return TotpDevice.objects.create(user=user, secret=secret)


def pending(user: User) -> TotpDevice | None:
    """The device that waits for its first code."""
    return TotpDevice.objects.filter(user=user, confirmed_at=None).first()


def confirm(device: TotpDevice, code: str, *, name: str) -> bool:
    """Take the device into use by its first code. False for a wrong code, and for a device that was confirmed before."""
    step = _step_of(device, code)
    if step is None:
        return False
    now = timezone.now()
    return bool(
        TotpDevice.objects.filter(pk=device.pk, confirmed_at=None).update(
            confirmed_at=now, last_used_at=now, last_step=step, name=name
        )
    )


def accept(user: User, code: str) -> bool:
    """Whether one of the operator's devices shows ``code`` now. A code is accepted once, of two at once as well."""
    for device in TotpDevice.objects.filter(user=user, confirmed_at__isnull=False):
        step = _step_of(device, code)
        if step is not None:
            newer = TotpDevice.objects.filter(pk=device.pk, last_step__lt=step)
            return bool(newer.update(last_step=step, last_used_at=timezone.now()))
    return False


def provisioning_uri(device: TotpDevice) -> str:
    """What the QR code holds (Google Authenticator's key URI format). It holds the secret."""
    label = f"{ISSUER}:{device.user.get_username()}"
    query = urlencode({"secret": device.secret, "issuer": ISSUER}, quote_via=quote)
    return f"otpauth://totp/{quote(label, safe='')}?{query}"


def _step_of(device: TotpDevice, code: str) -> int | None:
    """The time step whose code this is, unless that or a later one was accepted before."""
    digits = letters_and_digits(code)
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    try:
        totp = TOTP(base64.b32decode(device.secret), digits=_DIGITS)
    except SealedValueError:  # its key is lost; the others may still open
        return None
    totp.time = time.time()  # one moment for both calls
    return totp.t() if totp.verify(int(digits), tolerance=_DRIFT, min_t=device.last_step + 1) else None
