"""The pages about signing in, for operators who are signed in."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.urls import path

from core.access.pages import confirmation, factors, notices, passkeys, security
from core.access.roles import for_every_role


def _own(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page about the operator's own account, whatever their role."""
    return admin.site.admin_view(for_every_role(view))


_of_others = admin.site.admin_view

urlpatterns = [
    path("", _own(security.own_page), name="security"),
    path("sessions/", _own(security.end_own_session), name="security-sessions"),
    path("notices/", _own(notices.test_own_notices), name="security-notices"),
    path("confirm/", _own(confirmation.confirm_page), name="security-confirm"),
    path("confirm/passkey/", _own(passkeys.confirm_with_passkey), name="passkey-confirm"),
    path("confirm/passkey/options/", _own(passkeys.confirm_options), name="passkey-confirm-options"),
    path("app/", _own(factors.add_app), name="security-app"),
    path("app/begin/", _own(factors.begin_app), name="security-app-begin"),
    path("codes/", _own(factors.codes), name="security-codes"),
    path("factors/<slug:kind>/<uuid:key>/remove/", _own(factors.remove_factor), name="security-remove"),
    path("passkeys/", _own(passkeys.add_passkey), name="passkey-add"),
    path("passkeys/options/", _own(passkeys.registration_options), name="passkey-add-options"),
    path("operators/<int:user_id>/", _of_others(security.operator_page), name="operator-security"),
    path(
        "operators/<int:user_id>/sessions/",
        _of_others(security.end_operator_session),
        name="operator-security-sessions",
    ),
    path(
        "operators/<int:user_id>/reset/",
        _of_others(security.reset_operator_factors),
        name="operator-security-reset",
    ),
]
