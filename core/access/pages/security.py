"""The pages about an operator's own sign-in, and about that of others for administrators."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from core.access import audit
from core.access.browsers import browser_words
from core.access.models import Passkey, TotpDevice, User
from core.access.pages.confirmation import confirmed
from core.access.platform_sign_in import provider
from core.access.second_factors import recovery_codes
from core.access.second_factors.policy import is_due, reset_factors
from core.access.second_factors.relying_party import relying_party
from core.access.sessions import end_sessions, own_key, sessions_of
from core.console.base import actor_of, operator_of
from core.console.policy import allow_form_target
from core.console.rendering import ago, when

View = Callable[..., HttpResponse]
OTHERS = "others"
"""What a form says in the place of a session's key to end all but the present one."""


@require_safe
def own_page(request: HttpRequest) -> HttpResponse:
    """How the operator signs in, and where they are signed in."""
    return _page(request, operator_of(request), gettext_lazy("Sign-in and security"))


@require_POST
def end_own_session(request: HttpRequest) -> HttpResponse:
    """End one of the operator's sessions, or all others."""
    _end(request, operator_of(request))
    return redirect("security")


def _for_superusers(view: View) -> View:
    """Gives ``view`` the operator that the address names; to other operators than superusers there is no such page."""

    @wraps(view)
    def found(request: HttpRequest, user_id: int) -> HttpResponse:
        user = User.objects.filter(pk=user_id).first() if operator_of(request).is_superuser else None
        if user is None:
            raise Http404
        return view(request, user)

    return found


@require_safe
@_for_superusers
def operator_page(request: HttpRequest, user: User) -> HttpResponse:
    """The same of another operator."""
    if user == operator_of(request):
        return redirect("security")
    return _page(request, user, _("Sign-in of %(name)s") % {"name": user.get_username()})


@require_POST
@_for_superusers
def end_operator_session(request: HttpRequest, user: User) -> HttpResponse:
    """End one session of another operator, or all."""
    _end(request, user)
    return redirect("operator-security", user.pk)


@require_POST
@_for_superusers
@confirmed
def reset_operator_factors(request: HttpRequest, user: User) -> HttpResponse:
    """Take away the second factors of an operator who has lost them."""
    if user == request.user:
        raise PermissionDenied
    reset_factors(user, actor=actor_of(request))
    messages.success(request, _("The second factors of %(name)s are reset.") % {"name": user.get_username()})
    return redirect("operator-security", user.pk)


def _page(request: HttpRequest, user: User, title: Any) -> HttpResponse:
    own, party, offer = own_key(request), relying_party(request), provider().offer(request)
    context = {
        **admin.site.each_context(request),
        "title": title,
        "operator": user,
        "is_own": user == request.user,
        "is_due": is_due(operator_of(request), request.session),
        "factors": _factors(user),
        "feishu": offer,
        "accounts": provider().linked(user),
        "unused_codes": recovery_codes.count_unused(user),
        "has_passkeys": party.has_passkeys,
        "passkey_host": party.id,
        "sessions": [
            {
                "row": session,
                "browser": browser_words(session.browser) or _("Unknown browser"),
                "is_this": session.pk == own,
                "started": when(session.started_at),
                "seen": ago(session.seen_at),
            }
            for session in sessions_of(user)
        ],
    }
    response = TemplateResponse(request, "admin/security/page.html", context)
    if offer is not None:
        allow_form_target(response, offer.target)
    add_never_cache_headers(response)
    return response


def _factors(user: User) -> list[dict[str, Any]]:
    apps = TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).order_by("created_at")
    keys = Passkey.objects.filter(user=user).order_by("created_at")
    rows: list[TotpDevice | Passkey] = [*apps, *keys]
    return [
        {
            "row": row,
            "kind": "totp" if isinstance(row, TotpDevice) else "passkey",
            "label": _("Authenticator app") if isinstance(row, TotpDevice) else _("Passkey"),
            "detail": "" if isinstance(row, TotpDevice) else row.host,
            "added": ago(row.created_at),
            "used": ago(row.last_used_at) if row.last_used_at else _("never"),
        }
        for row in rows
    ]


def _end(request: HttpRequest, user: User) -> None:
    key = request.POST.get("session", "")
    with transaction.atomic():
        ended = end_sessions(user, but=own_key(request)) if key == OTHERS else end_sessions(user, keys=[key])
        if ended:
            audit.record(
                actor=actor_of(request),
                action="operator.sessions_ended",
                target=user.get_username(),
                count=ended,
            )
    said = ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", ended) % {
        "count": ended
    }
    if ended:
        messages.success(request, said)
    else:
        messages.info(request, _("That session has ended already."))
