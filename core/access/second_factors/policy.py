"""Who has a second factor, and of whom one is demanded."""

from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from core.access import audit
from core.access.actors import Actor
from core.access.models import Passkey, RecoveryCode, TotpDevice, User
from core.access.sessions import end_sessions, has_second_factor

OFF: Final = "off"
ADMINISTRATORS: Final = "administrators"
EVERYBODY: Final = "everybody"


def has_factor(user: User) -> bool:
    """Whether signing in takes a second factor. A recovery code alone is none."""
    return has_app(user) or has_passkey(user)


def has_app(user: User) -> bool:
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).exists()


def has_passkey(user: User) -> bool:
    return Passkey.objects.filter(user=user).exists()


def is_demanded(user: User) -> bool:
    """Whether the setting FEISHU_SECOND_FACTOR demands one of the operator."""
    asked = settings.SECOND_FACTOR
    return asked == EVERYBODY or (asked == ADMINISTRATORS and user.is_superuser)


def is_due(user: User, session: SessionBase) -> bool:
    """Whether a factor is demanded that this session has not seen: until then it opens nothing but the pages for it."""
    return is_demanded(user) and not has_second_factor(session)


def reset_factors(user: User, *, actor: Actor) -> None:
    """Take all factors and recovery codes away, for an operator who has lost them; their sessions end."""
    with transaction.atomic():
        for model in (TotpDevice, Passkey, RecoveryCode):
            model.objects.filter(user=user).delete()
        end_sessions(user)
        audit.record(actor=actor, action="operator.factors_reset", target=user.get_username())


def forget_codes_without_factor(user: User) -> None:
    """Recovery codes go with the last factor: without one they stand in for nothing."""
    if not has_factor(user):
        RecoveryCode.objects.filter(user=user).delete()
