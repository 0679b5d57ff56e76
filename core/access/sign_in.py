"""Signing in: counted per name and per address, with growing pauses, and written to the audit log.

A browser that has signed in with a name before carries a signed cookie, and counts by itself: see ``core.access.attempts``.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth import login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from core.access import audit
from core.access.actors import ANONYMOUS, Actor
from core.access.attempts import FREE, FREE_OF_NAME, Counter, TooManyAttemptsError, count, forgive, take_back
from core.access.models import SignInMethod, User
from core.access.passwords import PasswordsBusyError
from core.browser_cookie import BrowserCookie
from core.log_pace import LogPace
from core.remote_address import address_of, network_of

COOKIE: Final = BrowserCookie("device")
COOKIE_LASTS: Final = timedelta(days=180)
_SALT: Final = "core.access.sign_in"
_busy = LogPace[str]()
"""Sign-ins without a turn for their password count for nobody, so nothing else bounds their entries in the audit log."""


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
            count(counters)
            user = super().authenticate(request, username=username, password=password, **kwargs)
        except TooManyAttemptsError as error:
            if error.is_first:
                _note_unknown(request, username, "operator.sign_in_refused", reason="too_many_attempts")
            raise
        except PasswordsBusyError:
            take_back(counters)
            if _busy.admits("busy") is not None:
                _note_unknown(request, username, "operator.sign_in_refused", reason="busy")
            raise
        if user is None:
            _note_unknown(request, username, "operator.sign_in_failed")
        else:
            forgive(counters)
        return user


def _counters(request: HttpRequest, username: str) -> list[Counter]:
    """What an attempt counts for. Names are kept as keyed digests: people type passwords where the name belongs."""
    name, device = _digest(username), device_of(request, username)
    if device:
        return [Counter(f"device:{device}:{name}", FREE)]
    address = network_of(str(request.META["REMOTE_ADDR"]))
    return [
        Counter(f"address:{address}", 2 * FREE),
        Counter(f"name:{name}", FREE_OF_NAME),
        Counter(f"both:{_digest(f'{address} {username}')}", FREE),
    ]


def _digest(text: str) -> str:
    return salted_hmac(_SALT, text.casefold()).hexdigest()


def _note_unknown(request: HttpRequest, username: str, action: str, **detail: Any) -> None:
    """Write to the audit log of somebody who is not known yet, with the name only where an operator has it."""
    user = User.objects.filter(username=username).first()
    audit.record(
        actor=ANONYMOUS.at(address_of(request)),
        action=action,
        target=user.get_username() if user else "",
        **detail,
    )


def sign_in(
    request: HttpRequest, user: User, *, method: SignInMethod, has_second_factor: bool = False
) -> None:
    """Sign the operator in, who has proved it by ``method``. Audited."""
    request.sign_in_method = method  # type: ignore[attr-defined]  # for the session and the audit log, which hear a signal
    request.has_second_factor = has_second_factor  # type: ignore[attr-defined]  # see above
    login(request, user)


# --- the browser that has signed in before


def is_known_browser(cookies: Mapping[str, str]) -> bool:
    """Whether a browser with these cookies has signed in before, with whatever name."""
    try:
        signing.loads(COOKIE.value_in(cookies), salt=_SALT, max_age=COOKIE_LASTS)
    except signing.BadSignature:
        return False
    return True


def device_of(request: HttpRequest, username: str) -> str:
    """The browser's own number, where it has signed in with this name before."""
    try:
        value = signing.loads(COOKIE.value_in(request.COOKIES), salt=_SALT, max_age=COOKIE_LASTS)
    except signing.BadSignature:
        return ""
    return str(value.get("device", "")) if value.get("name") == _digest(username) else ""


def remember_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser of the operator who has just signed in its cookie."""
    name = _digest(str(request.user.get_username()))
    value = signing.dumps({"name": name, "device": secrets.token_hex(8)}, salt=_SALT)
    COOKIE.give(response, value, lasts=COOKIE_LASTS)


# --- the audit log


def _note(action: str, request: HttpRequest | None, user: Any, **detail: Any) -> None:
    if request is None or not isinstance(user, User) or "REMOTE_ADDR" not in request.META:
        return
    audit.record(
        actor=Actor.operator(user).at(address_of(request)),
        action=action,
        target=user.get_username(),
        **detail,
    )


def _signed_in(request: HttpRequest | None, user: Any, **_signal: object) -> None:
    _note(
        "operator.signed_in", request, user, method=getattr(request, "sign_in_method", SignInMethod.PASSWORD)
    )


def _signed_out(request: HttpRequest | None, user: Any, **_signal: object) -> None:
    _note("operator.signed_out", request, user)


def note_second_factor_failed(request: HttpRequest, user: User) -> None:
    """Somebody gave the right password, or has the session, and a wrong code."""
    audit.record(
        actor=ANONYMOUS.at(address_of(request)),
        action="operator.second_factor_failed",
        target=user.get_username(),
    )


def note_own_password(request: HttpRequest) -> None:
    """The operator has changed their own password."""
    _note("operator.password_changed", request, request.user)


user_logged_in.connect(_signed_in, dispatch_uid="core.access.signed_in")
user_logged_out.connect(_signed_out, dispatch_uid="core.access.signed_out")
