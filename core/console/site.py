"""The console as Django's admin site: how operators sign in, and what is answered where that has to wait."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from core import __version__
from core.access.passwords import PasswordsBusyError
from core.access.roles import for_every_role, may_send
from core.access.setup_link import has_operator
from core.access.sign_in import TooManyAttemptsError, note_own_password, remember_device

if TYPE_CHECKING:
    from core.access.models import User

View = Callable[..., HttpResponseBase]

BUSY_SECONDS = 5
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # Unfold brings no types
    """Unfold's form; Django's own words speak of a staff account."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _("The username or the password is wrong.")
    }


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # Unfold brings no types
    """Unfold's site, with bounds for passwords, and without Django's way from a row to a page of its own: no row has one, and
    matching that address takes quadratic time."""

    login_form = SignInForm

    def get_urls(self) -> list[URLPattern | URLResolver]:
        addresses: list[URLPattern | URLResolver] = super().get_urls()
        return [one for one in addresses if getattr(one, "name", "") != "view_on_site"]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """With the stylesheet that hides what changes something, where nothing may be changed: also what live pages bring."""
        context: dict[str, Any] = super().each_context(request)
        if request.user.is_authenticated and not getattr(request.user, "may_manage", False):
            context["styles"] = [*context["styles"], static("portal/read_only.css")]
        return context | {"portal_version": __version__}

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"has_operator": has_operator()} if request.method == "GET" else {}
        try:
            response: HttpResponse = super().login(request, shown | (extra_context or {}))
        except TooManyAttemptsError as error:
            return wait_page(request, error.seconds)
        except PasswordsBusyError:
            return wait_page(request, BUSY_SECONDS)
        if request.method == "POST" and request.user.is_authenticated:
            remember_device(request, response)
        return response

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 -- Django's signature
        """Refuses the forms of operators who may change nothing. Also the pages that set a password have to wait for their
        turn."""

        @wraps(view)
        def bounded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            if request.method not in READING and not may_send(cast("User", request.user), view):
                raise PermissionDenied
            try:
                return view(request, *arguments, **named)
            except PasswordsBusyError:
                return wait_page(request, BUSY_SECONDS)

        wrapped: View = super().admin_view(bounded, cacheable)
        return wrapped

    @for_every_role
    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response: HttpResponse = super().logout(request, extra_context)
        return response

    @for_every_role
    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            note_own_password(request)
        return response


def wait_page(request: HttpRequest, seconds: int) -> HttpResponse:
    """429, with how long to wait."""
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    response = render(request, "429.html", {"seconds": seconds}, status=429)
    for name, value in headers.items():
        response[name] = value
    return response
