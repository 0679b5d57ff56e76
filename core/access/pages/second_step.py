"""The second step of signing in: a code of the app, a passkey, or a recovery code."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from core.access.attempts import TooManyAttemptsError
from core.access.pages.forms import CodeForm, wrong
from core.access.second_factors.policy import has_app, has_passkey
from core.access.second_factors.relying_party import relying_party
from core.access.second_factors.sign_in import complete, try_code, waiting
from core.access.sign_in import remember_device
from core.console.site import wait_page


@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Asks whoever gave the right password for the second factor; anybody else is led to the first step."""
    found = waiting(request)
    if found is None:
        return redirect("admin:login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            is_right = try_code(request, found.user, form.cleaned_data["code"])
        except TooManyAttemptsError as error:
            return wait_page(request, error.seconds)
        if is_right:
            complete(request, found)
            response = redirect(found.next)
            remember_device(request, response)
            return response
        wrong(form, "code", _("The code is wrong, or was used before."))
    context = {
        **admin.site.each_context(request),
        "title": _("Second factor"),
        "form": form,
        "has_app": has_app(found.user),
        "passkey_host": relying_party(request).id,
        "has_passkey": has_passkey(found.user),
    }
    page = TemplateResponse(request, "admin/security/second_step.html", context)
    add_never_cache_headers(page)
    return page
