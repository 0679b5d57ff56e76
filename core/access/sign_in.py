"""Signing in: counted per name and per address, with growing pauses, and written to the audit log.

A stranger must not be able to keep an operator out. So a browser that has signed in with a name before carries a signed
cookie, and counts by itself: neither the mistakes of others with that name nor those from its address concern it
(OWASP's device cookies).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import signing
from django.db import transaction
from django.db.models import Case, F, When
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.access import audit
from core.access.actors import Actor
from core.access.models import SignInAttempts, User
from core.access.passwords import PasswordsBusyError
from core.log_pace import LogPace
from core.remote_address import address_of, network_of

FREE: Final = 5
"""Wrong passwords before the first pause, of one name from one browser or address."""
FREE_OF_NAME: Final = 20
"""Of one name, wherever they come from."""
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
DEVICE_SECONDS: Final = 180 * 86_400
_SALT: Final = "core.access.sign_in"
_busy = LogPace[str]()
"""Sign-ins without a turn for their password count for nobody, so nothing else bounds their entries in the audit log."""


class TooManyAttemptsError(Exception):
    """The password was not looked at. ``seconds``: until it may be tried again. ``is_first``: of the pause that lasts now."""

    def __init__(self, seconds: int, *, is_first: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.is_first = is_first


@dataclass(frozen=True, slots=True)
class _Counter:
    subject: str
    free: int


class OperatorBackend(ModelBackend):
    """Django's backend for a form that somebody sent; calls without a request are not counted.

    Raises TooManyAttemptsError, whether the password is right or not, and whether there is such a name or not.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        if request is None or username is None or "REMOTE_ADDR" not in request.META:
            return super().authenticate(request, username=username, password=password, **kwargs)
        counters = _counters(request, username)
        try:
            _count(counters)
            user = super().authenticate(request, username=username, password=password, **kwargs)
        except TooManyAttemptsError as error:
            if error.is_first:
                _note_unknown(request, username, "operator.sign_in_refused", reason="too_many_attempts")
            raise
        except PasswordsBusyError:
            _take_back(counters)
            if _busy.admits("busy") is not None:
                _note_unknown(request, username, "operator.sign_in_refused", reason="busy")
            raise
        if user is None:
            _note_unknown(request, username, "operator.sign_in_failed")
        else:
            _forgive(counters)
        return user


def _counters(request: HttpRequest, username: str) -> list[_Counter]:
    """What an attempt counts for. Names are kept as keyed digests: people type passwords where the name belongs."""
    name, device = _digest(username), _device(request, username)
    if device:
        return [_Counter(f"device:{device}:{name}", FREE)]
    address = network_of(str(request.META["REMOTE_ADDR"]))
    return [
        _Counter(f"address:{address}", 2 * FREE),
        _Counter(f"name:{name}", FREE_OF_NAME),
        _Counter(f"both:{_digest(f'{address} {username}')}", FREE),
    ]


def _digest(text: str) -> str:
    return salted_hmac(_SALT, text.casefold()).hexdigest()


def _count(counters: list[_Counter]) -> None:
    """Count the attempt before the password is looked at, so that many at once count as well."""
    now = timezone.now()
    with transaction.atomic():
        rows = []
        for counter in sorted(counters, key=lambda one: one.subject):
            SignInAttempts.objects.get_or_create(subject=counter.subject)
            row = SignInAttempts.objects.select_for_update().get(subject=counter.subject)
            if row.blocked_until and row.blocked_until > now:
                refused = TooManyAttemptsError(
                    int((row.blocked_until - now).total_seconds()) + 1, is_first=not row.refusal_noted
                )
                row.refusal_noted = True
                row.save(update_fields=["refusal_noted"])
                break
            row.failures = 1 if row.last_at < now - FORGOTTEN_AFTER else row.failures + 1
            row.blocked_until = _blocked_until(row.failures - counter.free, now)
            row.refusal_noted = False
            row.last_at = now
            rows.append(row)
        else:
            for row in rows:
                row.save()
            return
    raise refused


def _blocked_until(beyond: int, now: datetime) -> datetime | None:
    if beyond < 0:
        return None
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(beyond, 10), LONGEST_PAUSE)
    return now + pause


def _forgive(counters: list[_Counter]) -> None:
    """The right password: what was counted for the address is taken back once, the rest is forgotten."""
    own = [counter.subject for counter in counters if not counter.subject.startswith("address:")]
    SignInAttempts.objects.filter(subject__in=own).delete()
    SignInAttempts.objects.filter(
        subject__in={counter.subject for counter in counters}, failures__gt=0
    ).update(failures=F("failures") - 1, blocked_until=None)


def _take_back(counters: list[_Counter]) -> None:
    """The password was not looked at: the attempt is nobody's mistake. A pause that others are still due stays."""
    for counter in counters:
        is_within = When(failures__lte=counter.free, then=None)
        SignInAttempts.objects.filter(subject=counter.subject, failures__gt=0).update(
            failures=F("failures") - 1, blocked_until=Case(is_within, default=F("blocked_until"))
        )


def _note_unknown(request: HttpRequest, username: str, action: str, **detail: Any) -> None:
    """Write to the audit log of somebody who is not known yet, with the name only where an operator has it."""
    user = User.objects.filter(username=username).first()
    audit.record(
        actor=Actor("user", "anonymous").at(address_of(request)),
        action=action,
        target=user.get_username() if user else "",
        **detail,
    )


# --- the browser that has signed in before


def _cookie_name() -> str:
    return f"{'__Host-' if settings.SESSION_COOKIE_SECURE else ''}feishu_portal_device"


def is_known_browser(cookies: Mapping[str, str]) -> bool:
    """Whether a browser with these cookies has signed in before, with whatever name."""
    try:
        signing.loads(cookies.get(_cookie_name(), ""), salt=_SALT, max_age=DEVICE_SECONDS)
    except signing.BadSignature:
        return False
    return True


def _device(request: HttpRequest, username: str) -> str:
    """The browser's own number, where it has signed in with this name before."""
    try:
        value = signing.loads(request.COOKIES.get(_cookie_name(), ""), salt=_SALT, max_age=DEVICE_SECONDS)
    except signing.BadSignature:
        return ""
    return str(value.get("device", "")) if value.get("name") == _digest(username) else ""


def remember_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser of the operator who has just signed in its cookie."""
    name = _digest(str(request.user.get_username()))
    response.set_cookie(
        _cookie_name(),
        signing.dumps({"name": name, "device": secrets.token_hex(8)}, salt=_SALT),
        max_age=DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


# --- the audit log


def _note(action: str, request: HttpRequest | None, user: Any) -> None:
    if request is None or not isinstance(user, User) or "REMOTE_ADDR" not in request.META:
        return
    audit.record(
        actor=Actor.operator(user).at(address_of(request)), action=action, target=user.get_username()
    )


def _signed_in(request: HttpRequest | None, user: Any, **_signal: object) -> None:
    _note("operator.signed_in", request, user)


def _signed_out(request: HttpRequest | None, user: Any, **_signal: object) -> None:
    _note("operator.signed_out", request, user)


def note_own_password(request: HttpRequest) -> None:
    """The operator has changed their own password."""
    _note("operator.password_changed", request, request.user)


user_logged_in.connect(_signed_in, dispatch_uid="core.access.signed_in")
user_logged_out.connect(_signed_out, dispatch_uid="core.access.signed_out")
