"""Showing QR codes and asking the platform what became of them.

The platform says how often it may be asked. A poll is claimed in the row before it is sent, so it is asked no more often
however many pages are open, and by whichever process. Pages that wait drive it; the sweep goes on where none is open.
"""

import logging
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from bots.enums import PlatformName, RegistrationFailure, RegistrationState
from bots.errors import TooManyRegistrations
from bots.models import Bot, Registration
from bots.models.bots import platform_networks
from bots.registration.completion import complete
from bots.registration.preset import addons
from core.access.models import User
from core.database.clock import DatabaseTime
from core.database.connections import give_back
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.app_registration import (
    Addons,
    AppRegistration,
    Brand,
    RegistrationPoll,
    RegistrationStatus,
    qr_address,
)
from feishu.device_code import SLOW_DOWN_SECONDS
from feishu.errors import FeishuError, OAuthError, RateLimited
from feishu.outgoing import Route
from feishu.platforms import FEISHU, LARK, Platform
from feishu.reasons import Reason
from feishu.transport import unpooled_transport

logger = logging.getLogger(__name__)

CALL_SECONDS: Final = 10.0
"""For one request to the platform."""
CLAIM_SECONDS: Final = 30.0
"""Longer than a poll takes, with a second one at Lark."""
MAX_WAITING: Final = 200
"""QR codes that may wait in the whole portal: each is asked for every few seconds."""
MAX_SHOWN: Final = 10
"""QR codes that one operator may ask for within SHOWN_WITHIN."""
SHOWN_WITHIN: Final = timedelta(minutes=10)
GRACE: Final = timedelta(minutes=1)
"""How long after its end a registration is asked for that could not be asked for in time."""
DUE_AT_ONCE: Final = 50


def latest(operator: User, bot: Bot | None) -> Registration | None:
    """The QR code that the operator was last shown, for a new bot or for this one."""
    return Registration.objects.filter(operator=operator, extends=bot).order_by("-began_at", "-pk").first()


def begin(operator: User, *, bot: Bot | None = None, again: bool = False) -> Registration:
    """The QR code of the operator that waits, or a new one; ``again``: a new one, which replaces it, as does one that asks for
    something else because the bot was changed. ``bot``: whose app is to be extended.

    Raises TooManyRegistrations, FeishuError or, for a proxy that no key opens, SealedValueError.
    """
    own = Registration.objects.filter(operator=operator, extends=bot)
    valid = own.waiting().filter(expires_at__gt=DatabaseTime())
    wanted = addons(bot)
    if not again and (shown := valid.first()) and asks_for(shown, wanted):
        return shown
    _check_bounds(operator)
    registrar = _registrar(bot)
    give_back(before_waiting=True)
    pending = registrar.begin(timeout=CALL_SECONDS)
    address = qr_address(
        pending.verification_uri,
        addons=wanted,
        app_id=bot.app_id if bot else "",
    )
    now = timezone.now()
    registration = Registration(
        operator=operator,
        extends=bot,
        device_code=pending.device_code,
        address=address,
        interval=pending.interval,
        next_poll_at=now + timedelta(seconds=pending.interval),
        expires_at=now + timedelta(seconds=pending.expires_in),
    )
    try:
        with transaction.atomic():
            if not again and (shown := valid.first()) and asks_for(shown, wanted):
                return shown  # another page of the operator was faster
            own.waiting().end(RegistrationState.REPLACED)
            registration.save(force_insert=True)
    except IntegrityError:
        return own.latest("began_at")  # likewise, in the same moment
    return registration


def asks_for(registration: Registration, wanted: Addons) -> bool:
    """Whether the QR code that waits asks for this; True for one that no key opens, which says so itself."""
    try:
        query = parse_qs(urlsplit(registration.address).query)
    except SealedValueError:
        return True
    return query.get("addons", [""]) == [wanted.encoded()]


def _check_bounds(operator: User) -> None:
    shown = Registration.objects.filter(operator=operator, began_at__gt=timezone.now() - SHOWN_WITHIN)
    if shown.count() >= MAX_SHOWN or Registration.objects.waiting().count() >= MAX_WAITING:
        raise TooManyRegistrations


def due() -> list[UUID]:
    """Registrations that may be asked for."""
    waiting = Registration.objects.waiting().filter(next_poll_at__lte=DatabaseTime()).order_by("next_poll_at")
    return list(waiting.values_list("pk", flat=True)[:DUE_AT_ONCE])


def poll(registration_id: UUID) -> None:
    """Ask the platform how the registration stands, unless it is too early or somebody is asking; keep what it says."""
    is_claimed = (
        Registration.objects.waiting()
        .filter(pk=registration_id, next_poll_at__lte=DatabaseTime())
        .update(next_poll_at=DatabaseTime(CLAIM_SECONDS))
    )
    if not is_claimed:
        return
    registration = Registration.objects.select_related("extends").get(pk=registration_id)
    give_back(before_waiting=True)
    try:
        answer = _ask(registration)
    except SealedValueError:
        _end(registration, RegistrationState.FAILED, failure=RegistrationFailure.NOT_STORED)
    except FeishuError as error:
        _note_error(registration, error)
    else:
        _follow(registration, answer)


def _ask(registration: Registration) -> RegistrationPoll:
    registrar = _registrar(registration.extends)
    code = registration.device_code
    brand: Brand = "lark" if registration.is_lark else "feishu"
    answer = registrar.poll(code, brand=brand, timeout=CALL_SECONDS)
    if answer.status is RegistrationStatus.SWITCH_TO_LARK:
        registration.is_lark = True
        answer = registrar.poll(code, brand="lark", timeout=CALL_SECONDS)
    return answer


def _follow(registration: Registration, answer: RegistrationPoll) -> None:
    if answer.app is not None:
        complete(registration, answer.app)
    elif answer.status is RegistrationStatus.DENIED:
        _end(registration, RegistrationState.DENIED)
    elif answer.status is RegistrationStatus.EXPIRED or registration.expires_at <= timezone.now():
        _end(registration, RegistrationState.EXPIRED)
    else:
        if answer.status is RegistrationStatus.SLOW_DOWN:
            registration.interval = min(registration.interval + SLOW_DOWN_SECONDS, 300)
        _wait(registration, registration.interval)


def _note_error(registration: Registration, error: FeishuError) -> None:
    """What may help later is tried again until the QR code ends; the platform's refusal is final."""
    logger.warning(
        "registration_poll_failed", extra={"registration": str(registration.pk), "error": str(error)[:500]}
    )
    if not error.retryable:
        word = error.error if isinstance(error, OAuthError) else error.message
        _end(
            registration,
            RegistrationState.FAILED,
            failure=RegistrationFailure.REFUSED,
            detail=storable(word, 200),
        )
    elif registration.expires_at + GRACE <= timezone.now():
        _end(registration, RegistrationState.EXPIRED)
    else:
        pause = error.reset_after if isinstance(error, RateLimited) else 0.0
        _wait(registration, max(pause, registration.interval), trouble=error.reason or Reason.HTTP)


def _wait(registration: Registration, seconds: float, *, trouble: Reason | None = None) -> None:
    Registration.objects.waiting().filter(pk=registration.pk).update(
        next_poll_at=DatabaseTime(seconds),
        interval=registration.interval,
        is_lark=registration.is_lark,
        trouble=trouble or "",
    )


def _end(registration: Registration, state: RegistrationState, **values: str) -> None:
    Registration.objects.waiting().filter(pk=registration.pk).end(state, **values)


def _registrar(bot: Bot | None) -> AppRegistration:
    """Of the platform of the bot, which may be reached by a proxy; for a new one of Feishu with Lark, or the stand-in of the
    settings."""
    if bot is not None:
        own = bot.addresses
        feishu, lark = (own, own) if bot.platform == PlatformName.CUSTOM else (FEISHU, LARK)
        return AppRegistration(feishu, lark, unpooled_transport(bot.route))
    if settings.REGISTRATION_ADDRESSES:
        open_url, accounts_url = settings.REGISTRATION_ADDRESSES
        stand_in = Platform(open_url, accounts_url)
        return AppRegistration(stand_in, stand_in, unpooled_transport(Route(networks=platform_networks())))
    return AppRegistration()
