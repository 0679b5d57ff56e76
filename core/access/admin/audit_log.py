"""The page of the audit log: a sentence for each entry, filters, and the same as CSV."""

from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from core.access import audit, bot_directory
from core.access.admin.audit_export import csv_response
from core.access.audit_actions import ACTIONS, GROUPS
from core.access.audit_sentences import AuditWords, in_words
from core.access.models import AuditEntry, User
from core.console.badges import label
from core.console.base import ReadOnlyAdmin, actor_of, operator_of
from core.console.columns import column
from core.console.filters import since
from core.console.rendering import EMPTY, ago, identifier, json_block, when


class ChoiceFilter(admin.SimpleListFilter, ABC):
    """One of the offered values, by a condition on the entries; another value finds nothing."""

    def queryset(self, _request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = self.value()
        if value is None:
            return queryset
        if value not in {key for key, _words in self.lookup_choices}:
            return queryset.none()
        return queryset.filter(**self.condition(value))

    def has_output(self) -> bool:
        """Also where nothing is offered: a value in the address finds nothing then, too."""
        return super().has_output() or self.value() is not None

    @abstractmethod
    def condition(self, value: str) -> dict[str, Any]:
        """What entries with this value are like."""


class GroupFilter(ChoiceFilter):
    """What the entries are about."""

    title = _("subject")
    parameter_name = "about"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(GROUPS.items(), key=lambda item: str(item[1]))

    def condition(self, value: str) -> dict[str, Any]:
        return {"action__in": [code for code in ACTIONS if code.partition(".")[0] == value]}


class ActionFilter(ChoiceFilter):
    """The actions that have a name; looking for those that occur would read the whole log."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        names = [(code, action.name) for code, action in ACTIONS.items()]
        return sorted(names, key=lambda item: str(item[1]))

    def condition(self, value: str) -> dict[str, Any]:
        return {"action": value}


class OperatorFilter(ChoiceFilter):
    """Who acted; offers all operators, or those who share a bot with the one who asks."""

    title = _("operator")
    parameter_name = "operator"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        user = operator_of(request)
        known = User.objects.all() if user.sees_everything else User.objects.filter(bots__in=user.bots.all())
        named = known.distinct().order_by("username").values_list("pk", "username")
        return [(str(pk), name) for pk, name in named]

    def condition(self, value: str) -> dict[str, Any]:
        return {"operator": int(value)}


class BotFilter(ChoiceFilter):
    """To which bot it was done."""

    title = _("bot")
    parameter_name = "bot"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(bot.pk), bot.name) for bot in bot_directory.visible_to(operator_of(request))]

    def condition(self, value: str) -> dict[str, Any]:
        return {"bot_id": UUID(value)}


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = ("time_ago", "what", "bot_shown", "address_shown", "action_badge")
    list_filter = (since("at"), GroupFilter, ActionFilter, OperatorFilter, BotFilter)
    search_fields = ("app_id__exact", "target__exact", "actor__exact", "address__exact")
    search_help_text = _("App ID, target, actor or client address, in full")
    sortable_by = ()
    list_before_template = "admin/access/auditentry/above_list.html"
    fields = (
        "time_in_full",
        "what",
        "actor_shown",
        "address_shown",
        "action_badge",
        "bot_shown",
        "app_id_shown",
        "target_shown",
        "detail_shown",
    )
    readonly_fields = fields
    empty_title = _("Nothing was done yet")
    empty_text = _("Every change an operator, an API client or a user makes is written down here.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [path("export/", view, name="access_auditentry_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The entries that the filters in the address match, as CSV; that somebody took them is an entry of its own."""
        rows = self.get_changelist_instance(request).queryset
        audit.record(actor=actor_of(request), action="audit.exported", filters=request.GET.urlencode()[:500])
        return csv_response(request, rows)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the words of all entries on the page, made at once."""
        changes = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        for entry, words in zip(changes.result_list, in_words(changes.result_list), strict=True):
            entry.words = words
        return changes

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> AuditEntry | None:
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            [entry.words] = in_words([entry])  # type: ignore[attr-defined]  # for the columns
        return entry

    def title_of(self, row: AuditEntry) -> str:
        return self._words(row).sentence

    @staticmethod
    def _words(entry: AuditEntry) -> AuditWords:
        words: AuditWords = entry.words  # type: ignore[attr-defined]
        return words

    @column(_("time"), ordering="id")
    def time_ago(self, entry: AuditEntry) -> str:
        return ago(entry.at)

    @column(_("time"))
    def time_in_full(self, entry: AuditEntry) -> str:
        return when(entry.at)

    @column(_("what was done"))
    def what(self, entry: AuditEntry) -> str:
        words = self._words(entry)
        lines = format_html_join(
            "", '<div class="portal-subtle">{}</div>', ((line,) for line in words.changes)
        )
        return format_html("{}{}", words.sentence, lines)

    @column(_("bot"))
    def bot_shown(self, entry: AuditEntry) -> str:
        return self._words(entry).bot or EMPTY

    @column(_("actor"))
    def actor_shown(self, entry: AuditEntry) -> str:
        return self._words(entry).actor

    @column(_("target"))
    def target_shown(self, entry: AuditEntry) -> str:
        return self._words(entry).target or EMPTY

    @column(_("client address"))
    def address_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.address)

    @column(_("action"))
    def action_badge(self, entry: AuditEntry) -> str:
        known = ACTIONS.get(entry.action)
        return label(known.name if known else entry.action, "info")

    @column(_("App ID"))
    def app_id_shown(self, entry: AuditEntry) -> str:
        return identifier(entry.app_id)

    @column(_("detail"))
    def detail_shown(self, entry: AuditEntry) -> str:
        return json_block(entry.detail)
