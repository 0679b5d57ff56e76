"""The page that asks an operator once more who they are, before what changes the sign-in itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from core.access.attempts import TooManyAttemptsError
from core.access.models import User
from core.access.pages.forms import CodeForm, PasswordForm, wrong
from core.access.second_factors.policy import has_app, has_factor, has_passkey, is_due
from core.access.second_factors.relying_party import relying_party
from core.access.second_factors.sign_in import try_code
from core.access.sessions import confirm, is_confirmed
from core.console.base import operator_of
from core.console.next_page import next_page
from core.console.site import wait_page

CONFIRM: Final = "security-confirm"
View = Callable[..., HttpResponse]


def confirmed(view: View) -> View:
    """For pages and forms that change how an operator signs in: asks again where that was minutes ago. A form is sent again
    by hand afterwards."""

    @wraps(view)
    def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        if is_confirmed(request.session):
            return view(request, *arguments, **named)
        back = request.get_full_path() if request.method == "GET" else reverse("security")
        return redirect(f"{reverse(CONFIRM)}?{urlencode({'next': back})}")

    return checked


@require_http_methods(["GET", "POST"])
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Takes the password, a code or a passkey; of a session that owes a second factor only one of these."""
    user = operator_of(request)
    takes_code = has_factor(user)
    takes_password = user.has_usable_password() and not (takes_code and is_due(user, request.session))
    form = _form(request, takes_password=takes_password, takes_code=takes_code)
    if form is not None and form.is_valid():
        try:
            if _is_proved(request, user, form):
                confirm(request.session, has_second_factor=isinstance(form, CodeForm))
                return redirect(next_page(request, "security"))
        except TooManyAttemptsError as error:
            return wait_page(request, error.seconds)
    bound = {type(form): form}
    context = {
        **admin.site.each_context(request),
        "title": _("Confirm that it is you"),
        "password_form": bound.get(PasswordForm, PasswordForm()) if takes_password else None,
        "code_form": bound.get(CodeForm, CodeForm()) if takes_code else None,
        "has_app": has_app(user),
        "passkey_host": relying_party(request).id,
        "has_passkey": has_passkey(user),
        "next": next_page(request, "security"),
    }
    page = TemplateResponse(request, "admin/security/confirm.html", context)
    add_never_cache_headers(page)
    return page


def _form(request: HttpRequest, *, takes_password: bool, takes_code: bool) -> forms.Form | None:
    if request.method != "POST":
        return None
    if takes_password and "password" in request.POST:
        return PasswordForm(request.POST)
    return CodeForm(request.POST) if takes_code else None


def _is_proved(request: HttpRequest, user: User, form: forms.Form) -> bool:
    if isinstance(form, CodeForm):
        is_right = try_code(request, user, form.cleaned_data["code"])
        if not is_right:
            wrong(form, "code", _("The code is wrong, or was used before."))
        return is_right
    found = authenticate(request, username=user.get_username(), password=form.cleaned_data["password"])
    if found != user:
        wrong(form, "password", _("The password is wrong."))
    return found == user
