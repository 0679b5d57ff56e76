"""Logins of operators: a session's key is stored as its digest, so that a copy of the database opens none.

A login ends ``LOGIN_IDLE_SECONDS`` after the last page that was asked for, and in any case ``SESSION_COOKIE_AGE`` after
signing in.
"""

import hashlib
import time
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from core.middleware import response_middleware

_STARTED: Final = "_started"
_SEEN: Final = "_seen"


def digest(key: str) -> str:
    """What is stored for a session's key, as long as Django's column is."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's store by digest. Any text may be asked for: a cookie holds what its sender likes."""

    def _get_session_from_db(self) -> Session | None:
        try:
            return Session.objects.get(
                session_key=digest(str(self.session_key)), expire_date__gt=timezone.now()
            )
        except Session.DoesNotExist:
            self._session_key = None
            return None

    async def _aget_session_from_db(self) -> Session | None:
        try:
            return await Session.objects.aget(
                session_key=digest(str(self.session_key)), expire_date__gt=timezone.now()
            )
        except Session.DoesNotExist:
            self._session_key = None
            return None

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(digest(session_key)))

    async def aexists(self, session_key: str) -> bool:
        return bool(await super().aexists(digest(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = await super().acreate_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(digest(key))

    def get_session_cookie_age(self) -> int:
        """Seconds until the login ends: Django's expiry follows from it, in the row and in the cookie."""
        started = self.get(_STARTED)
        if started is None:
            return settings.SESSION_COOKIE_AGE
        left = started + settings.SESSION_COOKIE_AGE - time.time()
        return max(0, int(min(settings.LOGIN_IDLE_SECONDS, left)))


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


def _start(request: HttpRequest, **_signal: object) -> None:
    request.session[_STARTED] = request.session[_SEEN] = time.time()


user_logged_in.connect(_start, dispatch_uid="core.access.sessions")
