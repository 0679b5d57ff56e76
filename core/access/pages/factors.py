"""Adding and removing an operator's own second factors, and their recovery codes."""

from typing import Final
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.access import audit
from core.access.attempts import Counter, TooManyAttemptsError, count, forgive
from core.access.models import Passkey, TotpDevice, User
from core.access.pages.confirmation import confirmed
from core.access.pages.forms import AppForm, wrong
from core.access.second_factors import recovery_codes, totp
from core.access.second_factors.errors import FactorLimitError
from core.access.second_factors.policy import forget_codes_without_factor, has_factor
from core.access.sessions import confirm
from core.console.base import actor_of, operator_of
from core.console.qr_code import qr_code
from core.console.site import wait_page

_KINDS: Final[dict[str, type[TotpDevice] | type[Passkey]]] = {"totp": TotpDevice, "passkey": Passkey}
_ATTEMPTS: Final = 10


@require_POST
@confirmed
def begin_app(request: HttpRequest) -> HttpResponse:
    """Make the secret of a new authenticator app; the next page shows it."""
    try:
        totp.begin(operator_of(request))
    except FactorLimitError:
        messages.error(
            request, _("There are as many authenticator apps as one account may have. Remove one first.")
        )
        return redirect("security")
    return redirect("security-app")


@require_http_methods(["GET", "POST"])
@confirmed
def add_app(request: HttpRequest) -> HttpResponse:
    """Shows the QR code of the app that waits, and takes its first code."""
    user = operator_of(request)
    device = totp.pending(user)
    if device is None:
        return redirect("security")
    form = AppForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        counters = [Counter(f"app:{user.pk}", _ATTEMPTS)]
        try:
            count(counters)
        except TooManyAttemptsError as error:
            return wait_page(request, error.seconds)
        name = form.cleaned_data["name"] or _("Authenticator app")
        if totp.confirm(device, form.cleaned_data["code"], name=name):
            forgive(counters)
            return _added(request, user, name)
        wrong(
            form,
            "code",
            _("The code is wrong. Check that the phone's clock is right, and enter the code it shows now."),
        )
    context = {
        **admin.site.each_context(request),
        "title": _("Add an authenticator app"),
        "form": form,
        "code": qr_code(totp.provisioning_uri(device), label=_("QR code for the authenticator app")),
        "secret": device.secret,
    }
    return _private(TemplateResponse(request, "admin/security/app.html", context))


def _added(request: HttpRequest, user: User, name: str) -> HttpResponse:
    audit.record(
        actor=actor_of(request),
        action="operator.factor_added",
        target=user.get_username(),
        kind="totp",
        name=name,
    )
    confirm(request.session, has_second_factor=True)
    messages.success(request, _("The authenticator app is set up."))
    return redirect("security" if recovery_codes.count_unused(user) else "security-codes")


@require_POST
@confirmed
def remove_factor(request: HttpRequest, kind: str, key: UUID) -> HttpResponse:
    """Remove one of the operator's own factors."""
    user = operator_of(request)
    model = _KINDS.get(kind)
    factor = model.objects.filter(user=user, pk=key).first() if model else None
    if factor is None:
        raise Http404
    factor.delete()
    forget_codes_without_factor(user)
    audit.record(
        actor=actor_of(request),
        action="operator.factor_removed",
        target=user.get_username(),
        kind=kind,
        name=factor.name,
    )
    messages.success(request, _("“%(name)s” is removed.") % {"name": factor.name})
    return redirect("security")


@require_http_methods(["GET", "POST"])
@confirmed
def codes(request: HttpRequest) -> HttpResponse:
    """POST makes new recovery codes and shows them, this once; GET asks whether to."""
    user = operator_of(request)
    if not has_factor(user):
        return redirect("security")
    made = []
    if request.method == "POST":
        made = recovery_codes.make_codes(user)
        audit.record(
            actor=actor_of(request), action="operator.recovery_codes_made", target=user.get_username()
        )
    context = {
        **admin.site.each_context(request),
        "title": _("Recovery codes"),
        "codes": made,
        "unused": recovery_codes.count_unused(user),
    }
    return _private(TemplateResponse(request, "admin/security/codes.html", context))


def _private(response: TemplateResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
