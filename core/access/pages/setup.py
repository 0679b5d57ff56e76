"""The page of the setup link: it asks for the name and the password of the first operator."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import BASE_INPUT_CLASSES

from core.access.models import SignInMethod, User
from core.access.passwords import PasswordsBusyError
from core.access.setup_link import SetupLinkOverError, is_live, make_first_operator
from core.access.sign_in import remember_device, sign_in
from core.console.site import BUSY_SECONDS, wait_page
from core.remote_address import address_of

GONE: Final = 410


class FirstOperatorForm(UserCreationForm[User]):
    """Name and password, twice, held to the rules of all passwords."""

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        self.fields["username"].widget.attrs["autocomplete"] = "username"


@require_http_methods(["GET", "POST"])
def first_operator(request: HttpRequest) -> HttpResponse:
    """GET shows the form, POST makes the account and signs in. Nothing is looked at before the token."""
    token = request.GET.get("token", "")
    if not is_live(token):
        return _page(request, None)
    form = FirstOperatorForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, form)
    try:
        user = form.save(commit=False)
        make_first_operator(user, token=token, address=address_of(request))
    except PasswordsBusyError:
        return wait_page(request, BUSY_SECONDS)
    except SetupLinkOverError:
        return _page(request, None)
    sign_in(request, user, method=SignInMethod.SETUP_LINK)
    messages.success(request, _("Welcome. This account may do everything; add your first bot now."))
    response = redirect("admin:index")
    remember_device(request, response)
    return response


def _page(request: HttpRequest, form: FirstOperatorForm | None) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": _("First operator"), "form": form}
    response = TemplateResponse(request, "admin/setup.html", context, status=200 if form else GONE)
    add_never_cache_headers(response)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- Django logs the address of an answer from 400 on, and it holds the token
    return response
