"""Base classes of the console's pages: who sees which rows, what may be filtered, and how far a list counts."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language

from core.access.actors import Actor
from core.access.models import User
from core.access.visibility import is_owned
from core.console.actions import Words, is_changing
from core.console.change_list import ConsoleChangeList
from core.console.fields import NamedChoiceField, SearchableChoices
from core.console.fieldsets import without
from core.console.paging import BoundedPaginator
from core.console.rendering import EMPTY
from core.console.sentences import adding
from core.remote_address import address_of
from core.vault.fields import EncryptedField

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.utils.functional import Promise
else:
    # Unfold's classes are Django's to the type checker, which knows no types of theirs.
    from unfold.admin import ModelAdmin, TabularInline

ROW = "the-key-of-the-row"
BACK = {"board": "connections", "overview": "admin:index"}
"""Pages with buttons of rows, by what the address of an action calls them."""
LOOKUPS = ("exact", "isnull", "id__exact")  # suffixes that Django's own filters put into an address

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Model)


def operator_of(request: HttpRequest) -> User:
    """The operator who sent a request; the console lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    """The operator who sent a request, for the audit log."""
    return Actor.operator(operator_of(request)).at(address_of(request))


def is_staff(request: HttpRequest) -> bool:
    """Whether the request is an operator's who may use the console at all."""
    return isinstance(request.user, User) and request.user.is_active and request.user.is_staff


class KnowsOperator:
    """Put before a form's other bases: it then knows who fills it in, and asks or refuses accordingly."""

    operator: User
    """Set by the admin, on a class of one request alone."""


class ConsoleAdmin(ModelAdmin[M]):
    """Shows the rows of an ``OwnedQuerySet`` to the operators who may see them, and other models to those who see everything.
    A row that an operator may not see does not exist: 404, never 403. Who may change nothing is offered nothing that
    does."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50
    empty_value_display = EMPTY
    list_max_show_all = 200
    compressed_fields = True
    change_form_show_cancel_button = True
    deferred_in_lists: Sequence[str] = ()
    conditional_fields: Mapping[str, str] = {}
    empty_title: "str | Promise" = ""
    empty_text: "str | Promise" = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        rows = super().get_queryset(request)
        if not self.has_view_permission(request):
            return rows.none()
        if is_owned(self.model):
            rows = cast("Any", rows).visible_to(operator_of(request))
        match = request.resolver_match
        if match and (match.url_name or "").endswith("_changelist"):
            rows = rows.defer(*self.deferred_in_lists)
        return rows

    @admin.display(description=cast("Any", ModelAdmin.action_checkbox).short_description)
    def action_checkbox(self, obj: M) -> SafeString:
        """Rendered once for each language, and not once for every row."""
        box = _checkbox(get_language() or "")
        return mark_safe(box.replace(ROW, conditional_escape(obj.pk)))  # noqa: S308 -- the widget's own

    def get_changelist(self, request: HttpRequest, **_options: Any) -> type[ConsoleChangeList]:  # noqa: ARG002 -- Django's signature
        return ConsoleChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Titled with what it lists: Django's own title is "Select bot to change"."""
        titled = {"title": capfirst(self.opts.verbose_name_plural)} | (extra_context or {})
        return super().changelist_view(request, titled)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        titled = {"title": adding(str(self.opts.verbose_name))} | (extra_context or {})
        return super().add_view(request, form_url, titled)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        """Of an empty ``_to_field`` Django would look for a field without a name."""
        return super().get_object(request, object_id, from_field or None)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Without rows that only tie two others together: Django names them "Bot_owners object (1)", in one language."""
        shown, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        ties = [
            model._meta for model in apps.get_models(include_auto_created=True) if model._meta.auto_created
        ]
        beginnings = tuple(f"{capfirst(tie.verbose_name)}: " for tie in ties)
        counts = {name: counts[name] for name in counts.keys() - {tie.verbose_name_plural for tie in ties}}
        return _without(shown, beginnings), counts, forbidden, protected

    def visible_or_404(self, request: HttpRequest, object_id: str) -> M:
        """The row with this key; the same 404 for one that is not there and one that is somebody else's."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def title_of(self, row: M) -> str:
        """What the pages of a row are titled with: a name, where the row itself has an id alone."""
        return str(row)

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:  # noqa: ARG002 -- for subclasses
        """What the template of the row's page is told beside the form."""
        return {}

    def fits(self, action: str, row: M) -> bool:  # noqa: ARG002 -- for subclasses
        """Whether the action of this name would do anything for the row: otherwise neither list nor page offers it."""
        return True

    def action_title(self, action: str, row: M, title: Words) -> Words:  # noqa: ARG002 -- for subclasses
        """What the action of this name is called for the row; ``title`` is its general name."""
        return title

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        offered: list[Any] = cast("Any", super()).get_actions_detail(request, object_id)
        row = self.get_object(request, unquote(str(object_id)))
        if row is None:
            return offered
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        found = [(action.action_name.removeprefix(prefix), action) for action in offered]
        return [
            replace(action, description=self.action_title(name, row, action.description))
            for name, action in found
            if self.fits(name, row)
        ]

    def get_form(
        self,
        request: HttpRequest,
        obj: M | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 -- Django's signature
        **kwargs: Any,
    ) -> Any:
        """An ``KnowsOperator`` is told who the operator is."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if issubclass(form, KnowsOperator):
            form.operator = operator_of(request)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without Django's buttons beside a list of checkboxes: what they add, they can put into a select alone."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        wrapped = getattr(field.widget, "widget", None) if field else None
        if isinstance(wrapped, SearchableChoices):
            field.widget = wrapped
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Of rows with owners those that the operator sees, by name."""
        if is_owned(db_field.related_model):
            rows = db_field.related_model._default_manager.visible_to(operator_of(request))
            kwargs |= {"queryset": rows, "form_class": NamedChoiceField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def page_after(self, request: HttpRequest, row: M) -> str:
        """Where to go after a button's action: the row's page, or the page where the button was."""
        if (name := BACK.get(request.GET.get("back", ""))) is not None:
            return reverse(name)
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Only declared filters: any other would let an operator search columns that are never shown."""
        names = {_filtered_name(declared) for declared in self.list_filter}
        return any(lookup in {name, *(f"{name}__{suffix}" for suffix in LOOKUPS)} for name in names)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's "delete selected": rows are deleted one by one, on their page."""
        if not operator_of(request).may_manage:
            return {}
        return {
            name: action for name, action in super().get_actions(request).items() if name != "delete_selected"
        }

    def response_action(self, request: HttpRequest, queryset: QuerySet[M], *args: Any) -> Any:
        """Raises ValidationError for a selected key that no row can have; Django would raise whatever its type does."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            self.opts.pk.to_python(key)
        return super().response_action(request, queryset, *args)

    def _get_obj_does_not_exist_redirect(self, *_args: object) -> Any:
        raise Http404

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return self._may(request, "view")

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return self._may(request, "change")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add")

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return self._may(request, "delete")

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Where the row is only looked at, without what has no value to show: secrets, and fields of the form alone."""
        parts: Any = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return parts
        names = {name for _title, part in parts for name in part["fields"]}
        return without(parts, {name for name in names if not self._is_readable(name)})

    def _is_readable(self, name: Any) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return hasattr(self, name) or hasattr(self.model, name)
        return not isinstance(field, EncryptedField)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **named: Any
    ) -> Any:
        """Fields that depend on others are all there where the row is only looked at: the others have no inputs then."""
        row = named.get("obj")
        if row is not None:
            # A form that is refused has put what was typed into the row that it was made of; the page speaks of what is stored.
            stored = self.get_object(request, str(row.pk)) if request.method == "POST" else row
            if stored is None:
                raise Http404
            row.page_title = self.title_of(stored)
            context |= self.page_context(request, stored)
        if row is not None and not self.has_change_permission(request, row):
            page = copy.copy(self)
            page.conditional_fields = {}
            context["adminform"].model_admin = page
        return super().render_change_form(request, context, *args, **named)

    def _may(self, request: HttpRequest, verb: str) -> bool:
        permission = f"{self.opts.app_label}.{verb}_{self.opts.model_name}"
        return is_staff(request) and operator_of(request).has_perm(permission)

    def _filter_unfold_actions_by_permissions(
        self, request: HttpRequest, actions: list[Any], object_id: Any = None
    ) -> list[Any]:
        """Without the buttons that change something, where nothing may be changed."""
        offered: list[Any] = super()._filter_unfold_actions_by_permissions(  # type: ignore[misc]  # Unfold brings no types
            request, actions, object_id
        )
        may_manage = operator_of(request).may_manage
        return [action for action in offered if may_manage or not is_changing(action.method)]


class ReadOnlyAdmin(ConsoleAdmin[M]):
    """Rows that only the portal writes: nobody adds, changes or deletes them by hand."""

    change_form_show_cancel_button = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False


class ReadOnlyInline(TabularInline[M, P]):
    """Rows that only the portal writes, on the page of the row they belong to."""

    extra = 0
    can_delete = False
    hide_title = True
    template_before = "admin/no_rows.html"

    def has_add_permission(self, request: HttpRequest, obj: P | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: P | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: P | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_view_permission(self, request: HttpRequest, obj: P | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return is_staff(request)


@lru_cache(maxsize=16)
def _checkbox(_language: str) -> str:
    render = cast("Any", ModelAdmin.action_checkbox)
    return str(render(None, SimpleNamespace(pk=ROW)))


def _filtered_name(declared: Any) -> str:
    """What the query string calls a filter: a field's name, or the parameter of a filter class."""
    if isinstance(declared, str):
        return declared
    if isinstance(declared, tuple | list):
        return str(declared[0])
    return str(declared.parameter_name)


def _without(nested: list[Any], beginnings: tuple[str, ...]) -> list[Any]:
    """A nested list of texts without those that begin so."""
    return [
        _without(part, beginnings) if isinstance(part, list) else part
        for part in nested
        if isinstance(part, list) or not str(part).startswith(beginnings)
    ]
