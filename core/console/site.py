"""The console as Django's admin site: how operators sign in, and what is answered where that has to wait."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from core import __version__
from core.access.attempts import TooManyAttemptsError
from core.access.models import SignInMethod, User
from core.access.passwords import PasswordsBusyError
from core.access.platform_sign_in import provider
from core.access.roles import for_every_role, may_send
from core.access.second_factors.policy import has_factor, is_due
from core.access.second_factors.relying_party import relying_party
from core.access.second_factors.sign_in import begin
from core.access.setup_link import has_operator
from core.access.sign_in import note_own_password, remember_device
from core.console.base import operator_of
from core.console.next_page import next_page
from core.console.policy import allow_form_target
from core.console.search import search

View = Callable[..., HttpResponseBase]

BUSY_SECONDS = 5
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LEAVING: Final = frozenset({"logout", "jsi18n"})
_GIVES_FACTOR: Final = _LEAVING | {"security-confirm", "passkey-confirm-options", "passkey-confirm"}
_SETS_FACTOR_UP: Final = _GIVES_FACTOR | {
    *(
        "security",
        "security-app-begin",
        "security-app",
        "security-codes",
        "passkey-add-options",
        "passkey-add",
    ),
}
"""Names of the pages for an operator of whom a second factor is demanded: who has one gives it, who has none sets one up."""


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # Unfold brings no types
    """Unfold's form; Django's own words speak of a staff account."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _("The username or the password is wrong.")
    }

    def confirm_login_allowed(self, user: User) -> None:
        """Raises SecondFactorDueError for who may sign in and has a second factor."""
        super().confirm_login_allowed(user)
        if has_factor(user):
            raise SecondFactorDueError(user)


class SecondFactorDueError(Exception):
    """The name and the password are right, and the operator has a second factor."""

    def __init__(self, user: User) -> None:
        super().__init__(user.pk)
        self.user = user


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

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002 -- Django's signature
        """No page of its own: the sidebar lists what an app has."""
        return redirect("admin:index")

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002 -- Unfold's signature
        """The hits for what was typed behind Ctrl-K, as a part of a page. Unfold's own search reads all rows that fit."""
        found = search(
            operator_of(request), request.GET.get("q", ""), navigation=self.get_sidebar_list(request)
        )
        response = render(request, "admin/search_hits.html", {"groups": found})
        add_never_cache_headers(response)
        return response

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        party = relying_party(request)
        shown: dict[str, Any] = {"passkey_host": party.id if party.has_passkeys else ""}
        shown["feishu"] = offer = provider().offer(request)
        if request.method == "GET":
            shown["has_operator"] = has_operator()
        try:
            response: HttpResponse = super().login(request, shown | (extra_context or {}))
            if offer is not None:
                allow_form_target(response, offer.target)
        except SecondFactorDueError as due:
            begin(request, due.user, method=SignInMethod.PASSWORD, page=next_page(request))
            return redirect("second-step")
        except TooManyAttemptsError as error:
            return wait_page(request, error.seconds)
        except PasswordsBusyError:
            return wait_page(request, BUSY_SECONDS)
        if request.method == "POST" and request.user.is_authenticated:
            remember_device(request, response)
        return response

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 -- Django's signature
        """Refuses the forms of operators who may change nothing. Pages that set a password have to wait for their turn, too. An
        operator who owes a second factor is led to it."""

        @wraps(view)
        def bounded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            if (elsewhere := _page_of_factor(request)) is not None:
                return redirect(elsewhere)
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


def _page_of_factor(request: HttpRequest) -> str | None:
    """Where an operator is led of whom a second factor is demanded; None where nothing is, or the page is one for it."""
    user, page = request.user, request.resolver_match.url_name if request.resolver_match else None
    if page in _LEAVING or not isinstance(user, User) or not is_due(user, request.session):
        return None
    if has_factor(user):
        return None if page in _GIVES_FACTOR else "security-confirm"
    return None if page in _SETS_FACTOR_UP else "security"


def wait_page(request: HttpRequest, seconds: int) -> HttpResponse:
    """429, with how long to wait."""
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    response = render(request, "429.html", {"seconds": seconds}, status=429)
    for name, value in headers.items():
        response[name] = value
    return response
