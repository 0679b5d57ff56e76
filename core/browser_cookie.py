"""Cookies by which the portal knows a browser again that nobody is signed in with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpResponseBase


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """``purpose`` tells the portal's cookies apart."""

    purpose: str

    @property
    def name(self) -> str:
        """The ``__Host-`` prefix makes browsers take the cookie from this host over https alone."""
        return f"{'__Host-' if settings.HTTPS else ''}feishu_portal_{self.purpose}"

    def value_in(self, cookies: Mapping[str, str]) -> str:
        """What the browser was given, among the cookies of a request; empty where it was given nothing."""
        return cookies.get(self.name, "")

    def give(self, response: HttpResponseBase, value: str, *, lasts: timedelta) -> None:
        """Have the browser keep ``value``. It sends it along when the platform leads it back (``Lax``), and shows it to no script."""
        response.set_cookie(
            self.name,
            value,
            max_age=lasts,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
            path="/",
        )
