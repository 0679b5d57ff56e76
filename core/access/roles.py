"""Roles: what an operator of the console may see and do. Every page, action, picker, live channel and route asks here.

Which rows a role sees is said by ``OwnedQuerySet.visible_to``; what may be done with a model, by ``User.has_perm``; and
the console's site refuses the forms of everybody who may change nothing, whatever page they are of.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.apps import apps
from django.db import models
from django.utils.translation import pgettext_lazy

from core.access.visibility import is_owned

if TYPE_CHECKING:
    from core.access.models import User

V = TypeVar("V", bound=Callable[..., Any])


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", pgettext_lazy("role", "Administrator")
    OPERATOR = "operator", pgettext_lazy("role", "Operator")
    AUDITOR = "auditor", pgettext_lazy("role", "Auditor")
    VIEWER = "viewer", pgettext_lazy("role", "Viewer")


SEEING_EVERYTHING: Final = (Role.ADMINISTRATOR, Role.AUDITOR)
MANAGING: Final = (Role.ADMINISTRATOR, Role.OPERATOR)
"""Who changes anything: administrators whatever there is, operators the bots they own."""


def allows(user: "User", permission: str) -> bool:
    """Whether the role of ``user`` includes a permission of Django's, e.g. "bots.delete_bot".

    Models with owners are everybody's, each seeing their own rows; all other models are seen by those who see everything, and
    changed by administrators.
    """
    if not user.is_active or not user.role:
        return False
    if user.role == Role.ADMINISTRATOR:
        return True
    app_label, _, codename = permission.partition(".")
    verb, _, model_name = codename.partition("_")
    try:
        model = apps.get_model(app_label, model_name)
    except (LookupError, ValueError):
        return False
    if verb == "view":
        return user.sees_everything or is_owned(model)
    return user.may_manage and is_owned(model)


def for_every_role(view: V) -> V:
    """Marks a view of the console whose POST changes nothing, or nothing but the operator's own account: auditors and viewers
    may send it too."""
    view.is_for_every_role = True  # type: ignore[attr-defined]
    return view


def may_send(user: "User", view: Callable[..., Any]) -> bool:
    """Whether ``user`` may send a view of the console a form."""
    return user.may_manage or getattr(view, "is_for_every_role", False)
