"""Signing in in two steps: between them the session knows who gave the right password, and opens nothing."""

import time
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from core.access import attempts
from core.access.models import SignInMethod, User
from core.access.second_factors import recovery_codes, totp
from core.access.sign_in import device_of, note_second_factor_failed, sign_in

STEP_SECONDS: Final = 10 * 60
"""How long the second step may take."""
_WAITING: Final = "_second_step"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The operator whose second factor is awaited; ``method`` was the first step, ``next`` the page to go to then."""

    user: User
    method: SignInMethod
    next: str


def begin(request: HttpRequest, user: User, *, method: SignInMethod, page: str) -> None:
    """Ask for the second factor, and lead to ``page`` then. The session gets another key: nobody else may have the present one."""
    request.session.cycle_key()
    request.session[_WAITING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "method": method,
        "next": page,
        "at": time.time(),
    }


def waiting(request: HttpRequest) -> Waiting | None:
    """Whose factor is awaited; None where nobody's, where it took too long, and where the password has changed since."""
    kept = request.session.get(_WAITING)
    if kept is None or time.time() - kept["at"] > STEP_SECONDS:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(kept["password"], user.get_session_auth_hash()):
        return None
    return Waiting(user, SignInMethod(kept["method"]), kept["next"])


def try_code(request: HttpRequest, user: User, code: str) -> bool:
    """Whether ``code`` is of the operator's app, or one of their recovery codes. Counted as passwords are.

    Raises TooManyAttemptsError.
    """
    counters = _counters(request, user)
    attempts.count(counters)
    if totp.accept(user, code) or recovery_codes.accept(user, code):
        attempts.forgive(counters)
        return True
    note_second_factor_failed(request, user)
    return False


def complete(request: HttpRequest, found: Waiting) -> None:
    """The second factor was right: sign in."""
    request.session.pop(_WAITING, None)
    method = SignInMethod.SECOND_FACTOR if found.method == SignInMethod.PASSWORD else found.method
    sign_in(request, found.user, method=method, has_second_factor=True)


def _counters(request: HttpRequest, user: User) -> list[attempts.Counter]:
    """A browser that has signed in before counts by itself, so that whoever knows the password keeps nobody out."""
    device = device_of(request, user.get_username())
    return [attempts.Counter(f"factor:{user.pk}:{device}", attempts.FREE)]
