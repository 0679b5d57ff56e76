"""Operators and groups: superusers decide who else may use the console."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core.access import audit
from core.access.models import User
from core.console.badges import label
from core.console.base import ConsoleAdmin, actor_of
from core.console.columns import column
from core.console.rendering import ago, when

# What an operator may see and do follows from owning bots; these two are all that is granted besides.
GRANTABLE = {"add_bot": _("Add bots"), "delete_bot": _("Delete own bots")}


def grantable() -> QuerySet[Permission]:
    """The permissions that mean something in this console."""
    return Permission.objects.filter(content_type__app_label="bots", codename__in=GRANTABLE).select_related(
        "content_type"
    )


class PermissionField(ModelMultipleChoiceField[Permission]):
    """Permissions in the console's own words."""

    def label_from_instance(self, obj: Permission) -> str:
        return str(GRANTABLE.get(obj.codename, obj.codename))


class PermissionChoices(ConsoleAdmin[Any]):
    """Offers only the permissions that mean something."""

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        if db_field.name in {"permissions", "user_permissions"}:
            kwargs |= {
                "queryset": grantable(),
                "form_class": PermissionField,
                "widget": UnfoldAdminCheckboxSelectMultipleWidget,
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, PermissionChoices):
    empty_title = _("No groups yet")
    empty_text = _("A group gives several operators the same rights, such as adding bots.")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], PermissionChoices):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "role", "state_badge", "last_login_ago")
    list_filter = ("is_superuser", "is_staff", "is_active")
    search_fields = ("username", "email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name")}),
        (
            _("Notices"),
            {
                "fields": ("email", "feishu_address", "language"),
                "description": _(
                    "How this operator is told when one of their bots needs a person. E-mail takes EMAIL_URL; a Feishu "
                    "message takes another bot of theirs that is well."
                ),
            },
        ),
        (
            _("Rights"),
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions"),
                "description": _(
                    "Staff may sign in to this console and manage the bots they own. Superusers see and manage everything."
                ),
            },
        ),
        (_("Times"), {"fields": ("last_login_shown", "joined_shown")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "is_staff")}),
    )
    readonly_fields = ("last_login_shown", "joined_shown")
    filter_horizontal = ()

    @column(_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name() or user.email or "—"

    @column(_("role"))
    def role(self, user: User) -> str:
        if user.is_superuser:
            return label(_("Superuser"), "primary")
        return label(_("Staff"), "info") if user.is_staff else label(_("No access"))

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

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        super().save_model(request, obj, form, change)
        audit.record(
            actor=actor_of(request),
            action="operator.updated" if change else "operator.created",
            target=obj.get_username(),
            changed=sorted(name for name in form.changed_data if not name.startswith("password")),
        )

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
