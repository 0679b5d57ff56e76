"""Cookies that hold the secret by which a page belongs to one browser."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """``purpose`` tells the portal's cookies apart."""

    purpose: str

    @property
    def name(self) -> str:
        """The ``__Host-`` prefix makes browsers take the cookie from this host over https alone."""
        return f"{'__Host-' if settings.HTTPS else ''}feishu_portal_{self.purpose}"

    def secret_of(self, request: HttpRequest) -> str:
        """The secret that the browser holds; empty where it holds none."""
        return request.COOKIES.get(self.name, "")

    def give(self, response: HttpResponse, secret: str, *, lasts: timedelta) -> None:
        """Have the browser keep ``secret``. It sends it along when the platform leads it back (``Lax``), and shows it to no script."""
        response.set_cookie(
            self.name,
            secret,
            max_age=lasts,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
            path="/",
        )
