"""Who has a live page open: an operator by the session cookie, as on every page of the console."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from django.utils.translation import get_language_from_request

from core.access.models import User
from core.access.second_factors.policy import is_due
from core.access.sessions import SessionStore

Scope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Viewer:
    """An operator, and the language of the page."""

    user: User
    language: str


def viewer_of(scope: Scope) -> Viewer | None:
    """The operator whose session this is now; None when it has ended or may not use the console. Queries the database."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(_header(scope, b"cookie"))
    request.META["HTTP_ACCEPT_LANGUAGE"] = _header(scope, b"accept-language")
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not (isinstance(user, User) and user.is_active and user.is_staff) or is_due(user, request.session):
        return None
    return Viewer(user, get_language_from_request(request))


def is_from_own_page(scope: Scope) -> bool:
    """Whether a page of this portal opens the socket. A browser sends cookies along with the sockets of any page, and the
    page's origin; so a request without an origin is refused as well."""
    host = _header(scope, b"host")
    if settings.USE_X_FORWARDED_HOST:
        host = _header(scope, b"x-forwarded-host") or host
    try:
        asked = urlsplit(_header(scope, b"origin"))
    except ValueError:
        return False
    if any(_is_at(asked, urlsplit(trusted)) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    return (
        asked.scheme in ({"https"} if settings.HTTPS else {"http", "https"})
        and bool(host)
        and asked.netloc == host.lower()
        and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    )


def _is_at(asked: SplitResult, trusted: SplitResult) -> bool:
    """Whether an origin is a trusted one, by Django's rule for forms: ``*.`` stands for subdomains."""
    return asked.scheme == trusted.scheme and is_same_domain(asked.netloc, trusted.netloc.removeprefix("*"))


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
