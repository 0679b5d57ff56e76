"""Sessions of operators: a session's key is stored as its digest, so that a copy of the database opens none.

A login ends ``LOGIN_IDLE_SECONDS`` after the last page that was asked for, and in any case ``SESSION_COOKIE_AGE`` after
signing in. A session without an operator, such as one that waits for a second factor, ends after ``ANONYMOUS_SECONDS``.
"""

import hashlib
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from core.access.models import OperatorSession, SignInMethod, User
from core.database.retention import make_room
from core.database.text import storable
from core.middleware import response_middleware
from core.remote_address import address_of

ANONYMOUS_SECONDS: Final = 15 * 60
MAX_STRANGERS: Final = 10_000
"""Sessions of browsers that are not signed in, and as many challenges and ways to the platform that are under way. The oldest
goes for a new one: to refuse that would let one stranger keep everybody out."""
_STARTED: Final = "_started"
_SEEN: Final = "_seen"
CONFIRMED_SECONDS: Final = 10 * 60
"""How long signing in, or confirming it, opens what changes the sign-in itself."""
_CONFIRMED: Final = "_confirmed"
_FACTOR: Final = "_second_factor"
_METHOD: Final = "_method"
_ADDRESS: Final = "_address"
_BROWSER: Final = "_browser"
_MAX_BROWSER: Final = 300


def digest(key: str) -> str:
    """What is stored for a session's key, as long as Django's column is."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's store by digest. Any text may be asked for: a cookie holds what its sender likes."""

    @classmethod
    def get_model_class(cls) -> type[OperatorSession]:
        return OperatorSession

    def _get_session_from_db(self) -> OperatorSession | None:
        try:
            return OperatorSession.objects.get(
                session_key=digest(str(self.session_key)), expire_date__gt=timezone.now()
            )
        except OperatorSession.DoesNotExist:
            self._session_key = None
            return None

    async def _aget_session_from_db(self) -> OperatorSession | None:
        try:
            return await OperatorSession.objects.aget(
                session_key=digest(str(self.session_key)), expire_date__gt=timezone.now()
            )
        except OperatorSession.DoesNotExist:
            self._session_key = None
            return None

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(digest(session_key)))

    async def aexists(self, session_key: str) -> bool:
        return bool(await super().aexists(digest(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> OperatorSession:
        return _row(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> OperatorSession:
        return _row(await super().acreate_model_instance(data), data)

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(digest(key))

    def get_session_cookie_age(self) -> int:
        """Seconds until the session ends: Django's expiry follows from it, in the row and in the cookie."""
        started = self.get(_STARTED)
        if started is None:
            return ANONYMOUS_SECONDS
        left = started + settings.SESSION_COOKIE_AGE - time.time()
        return max(0, int(min(settings.LOGIN_IDLE_SECONDS, left)))


def _row(row: Any, data: dict[str, Any]) -> OperatorSession:
    """The row with the digest as key, and with the columns that lists read."""
    row.session_key = digest(row.session_key)
    row.user_id = data.get(SESSION_KEY)
    row.method, row.address, row.browser = (data.get(name, "") for name in (_METHOD, _ADDRESS, _BROWSER))
    row.started_at, row.seen_at = (_moment(data.get(name)) for name in (_STARTED, _SEEN))
    found: OperatorSession = row
    return found


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@response_middleware
def keep_login(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Puts off the idle end with every page, not more often than ten times in that time. Stands inside Django's session
    middleware, which saves. Only a session that the page has read counts."""
    session = request.session
    if session.accessed and _STARTED in session:
        now = time.time()
        if now - session.get(_SEEN, 0) > settings.LOGIN_IDLE_SECONDS / 10:
            session[_SEEN] = now
    return response


# --- what a session has seen


def confirm(session: SessionBase, *, has_second_factor: bool = False) -> None:
    """The operator has just proved again who they are."""
    session[_CONFIRMED] = time.time()
    if has_second_factor:
        session[_FACTOR] = True


def is_confirmed(session: SessionBase) -> bool:
    """Whether the operator proved in the last minutes who they are: a browser left open may not change how they sign in."""
    return bool(time.time() - session.get(_CONFIRMED, 0) < CONFIRMED_SECONDS)


def has_second_factor(session: SessionBase) -> bool:
    """Whether a second factor was given in this session."""
    return bool(session.get(_FACTOR))


# --- the sessions of an operator


def sessions_of(user: User) -> QuerySet[OperatorSession]:
    """The sessions in which the operator is signed in now, the latest first."""
    return OperatorSession.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at")


def begun(request: HttpRequest) -> str:
    """The stored key of the request's session, which is made where there is none; the oldest of whoever is not signed in goes
    where there are too many."""
    if not request.session.session_key:
        make_room(OperatorSession.objects.filter(user=None).order_by("expire_date"), MAX_STRANGERS)
        request.session.create()
    return own_key(request)


def own_key(request: HttpRequest) -> str:
    """The stored key of the session that the request came with; empty where it has none."""
    key = request.session.session_key
    return digest(key) if key else ""


def end_sessions(user: User, *, keys: Collection[str] | None = None, but: str = "") -> int:
    """End the operator's sessions: those with the stored ``keys``, or all, except ``but``. How many there were.

    A request that is under way in one of them saves nothing any more: Django refuses it with 400.
    """
    rows = sessions_of(user).exclude(pk=but)
    return (rows if keys is None else rows.filter(pk__in=keys)).delete()[0]


def _start(request: HttpRequest, **_signal: object) -> None:
    session = request.session
    session[_STARTED] = session[_SEEN] = session[_CONFIRMED] = time.time()
    session[_FACTOR] = getattr(request, "has_second_factor", False)
    session[_METHOD] = getattr(request, "sign_in_method", SignInMethod.PASSWORD)
    session[_ADDRESS] = address_of(request)
    session[_BROWSER] = storable(request.META.get("HTTP_USER_AGENT", ""), _MAX_BROWSER)


user_logged_in.connect(_start, dispatch_uid="core.access.sessions")
