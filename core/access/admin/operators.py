"""Operators: administrators decide who else may use the console, and in which role."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.forms import ChoiceField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from core.access import audit
from core.access.administrators import is_last_administrator
from core.access.models import User
from core.access.pages.notices import test_notices
from core.access.roles import Role
from core.console.actions import Question, button, confirmed
from core.console.badges import label
from core.console.base import ConsoleAdmin, actor_of
from core.console.columns import column
from core.console.rendering import ago, when

if TYPE_CHECKING:
    from django.forms import Form as RoleForm
else:
    RoleForm = object

COLOURS = {
    Role.ADMINISTRATOR: "primary",
    Role.OPERATOR: "info",
    Role.AUDITOR: "warning",
    Role.VIEWER: "default",
}

admin.site.unregister(Group)  # an operator's role says what they may do


class RoleRequired(RoleForm):
    """Everybody who may sign in has a role."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        if "role" in self.fields:
            self.fields["role"].required = True


class OperatorForm(RoleRequired, UserChangeForm):  # type: ignore[misc]  # Unfold brings no types
    def clean(self) -> Any:
        """Somebody has to be left who can undo it."""
        cleaned = super().clean() or {}
        stays = cleaned.get("role") == Role.ADMINISTRATOR and cleaned.get("is_active")
        if not stays and is_last_administrator(self.instance.pk):
            raise ValidationError({"role": _("This is the last administrator. Make another one first.")})
        return cleaned


class NewOperatorForm(RoleRequired, UserCreationForm):  # type: ignore[misc]  # Unfold brings no types
    role = ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.VIEWER,
        widget=UnfoldAdminSelectWidget,
        help_text=User._meta.get_field("role").help_text,
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ConsoleAdmin[Any]):  # type: ignore[misc]
    form = OperatorForm
    add_form = NewOperatorForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "role_badge", "state_badge", "last_login_ago")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name")}),
        (_("Role"), {"fields": ("role", "is_active")}),
        (
            _("Notices"),
            {
                "fields": ("email", "feishu_address", "language"),
                "description": _(
                    "How this operator is notified when one of their bots needs a person. E-mail needs EMAIL_URL; a Feishu "
                    "message needs another bot of theirs that works."
                ),
            },
        ),
        (_("Times"), {"fields": ("last_login_shown", "joined_shown", "sign_in")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "role", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login_shown", "joined_shown", "sign_in")
    filter_horizontal = ()
    actions_detail = ("test_notices",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        parts = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return parts
        first, *others = parts
        names = tuple(name for name in first[1]["fields"] if name != "password")
        return [(first[0], {**first[1], "fields": names}), *others]

    @column(_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name() or user.email or "—"

    @column(_("role"), ordering="role")
    def role_badge(self, user: User) -> str:
        return label(Role(user.role).label, COLOURS[Role(user.role)]) if user.role else label(_("No access"))

    @column(_("state"))
    def state_badge(self, user: User) -> str:
        return label(_("Active"), "success") if user.is_active else label(_("Disabled"))

    @column(_("last login"), ordering="last_login")
    def last_login_ago(self, user: User) -> str:
        return ago(user.last_login) if user.last_login else str(_("never"))

    @column(_("last login"))
    def last_login_shown(self, user: User) -> str:
        return when(user.last_login)

    @column(_("date joined"))
    def joined_shown(self, user: User) -> str:
        return when(user.date_joined)

    @column(_("sign-in"))
    def sign_in(self, user: User) -> str:
        address = reverse("operator-security", args=[user.pk])
        return format_html('<a href="{}">{}</a>', address, _("Sessions and second factors"))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The last administrator stays: nobody else could add one."""
        is_last = obj is not None and is_last_administrator(obj.pk)
        return not is_last and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        before = User.objects.get(pk=obj.pk) if change else None
        super().save_model(request, obj, form, change)
        changed = [name for name in form.changed_data if not name.startswith("password")]
        audit.record(
            actor=actor_of(request),
            action="operator.updated" if change else "operator.created",
            target=obj.get_username(),
            **audit.changes(before, obj, changed),
        )

    @button(_("Send test notice"), icon="outgoing_mail", path="test-notices")
    @confirmed(
        Question(
            title=_("Send test notice"),
            text=_(
                "A test goes to the e-mail address and to the Feishu account that are set, and the answers are shown."
            ),
            submit=_("Send"),
        )
    )
    def test_notices(self, request: HttpRequest, user: User) -> None:
        test_notices(request, user)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        audit.record(actor=actor_of(request), action="operator.deleted", target=obj.get_username())
        super().delete_model(request, obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django calls this alone when an operator's password is set for them."""
        if request.resolver_match and request.resolver_match.url_name == "auth_user_password_change":
            audit.record(
                actor=actor_of(request),
                action="operator.password_set",
                target=obj.get_username(),
            )
        return super().log_change(request, obj, message)
