"""What the script of passkeys asks for: options for the browser, and the check of what it signed. Answers are JSON."""

import json
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import audit
from core.access.models import MAX_FACTOR_NAME, SignInMethod
from core.access.pages.confirmation import CONFIRM
from core.access.second_factors import passkeys, recovery_codes
from core.access.second_factors.errors import FactorLimitError, FactorRefusedError
from core.access.second_factors.passkeys import Purpose
from core.access.second_factors.sign_in import complete, waiting
from core.access.sessions import confirm, is_confirmed
from core.access.sign_in import note_second_factor_failed, remember_device, sign_in
from core.console.base import actor_of, operator_of
from core.console.next_page import next_page
from core.database.text import storable

View = Callable[[HttpRequest], HttpResponse]


def _answer(values: dict[str, object], status: int = 200) -> HttpResponse:
    response = JsonResponse(values, status=status)
    add_never_cache_headers(response)
    return response


def _refused() -> HttpResponse:
    words = _(
        "The passkey was not accepted. Try again; if it took more than five minutes, reload the page first."
    )
    return _answer({"error": words}, 400)


def _options(options: str) -> HttpResponse:
    return _answer({"options": json.loads(options)})


@require_POST
def sign_in_options(request: HttpRequest) -> HttpResponse:
    """For the sign-in page: any passkey of the portal; in the second step one of the operator's."""
    found = waiting(request) if request.POST.get("purpose") == Purpose.SECOND_STEP else None
    if found is None:
        return _options(passkeys.authentication_options(request, Purpose.SIGN_IN))
    return _options(passkeys.authentication_options(request, Purpose.SECOND_STEP, found.user))


@require_POST
def sign_in_with_passkey(request: HttpRequest) -> HttpResponse:
    """Sign in by the passkey alone, or complete the second step with it."""
    credential = request.POST.get("credential", "")
    found = waiting(request) if request.POST.get("purpose") == Purpose.SECOND_STEP else None
    try:
        if found is not None:
            passkeys.authenticate(request, credential, Purpose.SECOND_STEP, found.user)
            complete(request, found)
            return _signed_in(request, found.next)
        user = passkeys.authenticate(request, credential, Purpose.SIGN_IN).user
    except FactorRefusedError:
        if found is not None:
            note_second_factor_failed(request, found.user)
        return _refused()
    if not (user.is_active and user.is_staff):
        return _refused()
    sign_in(request, user, method=SignInMethod.PASSKEY, has_second_factor=True)
    return _signed_in(request, next_page(request))


def _signed_in(request: HttpRequest, address: str) -> HttpResponse:
    response = _answer({"next": address})
    remember_device(request, response)
    return response


def _confirmed(view: View) -> View:
    """Where the sign-in is not fresh, the script is sent to the page that confirms it."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if not is_confirmed(request.session):
            return _answer({"next": f"{reverse(CONFIRM)}?next={reverse('security')}"}, 403)
        return view(request)

    return checked


@require_POST
@_confirmed
def registration_options(request: HttpRequest) -> HttpResponse:
    """For a new passkey of the operator's own."""
    try:
        return _options(passkeys.registration_options(request, operator_of(request)))
    except FactorLimitError:
        words = _("There are as many passkeys as one account may have. Remove one first.")
        return _answer({"error": words}, 400)


@require_POST
@_confirmed
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made. The first factor comes with recovery codes, on a page of their own."""
    user = operator_of(request)
    name = storable(request.POST.get("name", "").strip(), MAX_FACTOR_NAME) or _("Passkey")
    try:
        passkey = passkeys.register(request, user, request.POST.get("credential", ""), name=name)
    except FactorRefusedError:
        return _refused()
    audit.record(
        actor=actor_of(request),
        action="operator.factor_added",
        target=user.get_username(),
        kind="passkey",
        name=passkey.name,
    )
    confirm(request.session, has_second_factor=True)
    return _answer({"next": reverse("security" if recovery_codes.count_unused(user) else "security-codes")})


@require_POST
def confirm_options(request: HttpRequest) -> HttpResponse:
    """For the page that confirms a sign-in."""
    return _options(passkeys.authentication_options(request, Purpose.CONFIRM, operator_of(request)))


@require_POST
def confirm_with_passkey(request: HttpRequest) -> HttpResponse:
    """Confirm the sign-in by one of the operator's passkeys."""
    user = operator_of(request)
    try:
        passkeys.authenticate(request, request.POST.get("credential", ""), Purpose.CONFIRM, user)
    except FactorRefusedError:
        note_second_factor_failed(request, user)
        return _refused()
    confirm(request.session, has_second_factor=True)
    return _answer({"next": next_page(request, "security")})
