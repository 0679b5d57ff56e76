"""Dead letters by handler, or subscription, and kind of failure."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from core.console.base import operator_of
from core.console.rendering import ago
from core.vault.redaction import redact_text
from events.log.dead_letters import MAX_SCANNED, DeadLetterGroups, DeadLetters, dead_deliveries, dead_runs
from events.log.sentences import shown


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the page shows it; ``filter`` is the name of the log's filter for its receiver."""

    letters: DeadLetters
    filter: str

    @property
    def _query(self) -> str:
        return urlencode({self.filter: self.letters.receiver, "kind": self.letters.fingerprint})

    @property
    def error(self) -> str:
        return shown(redact_text(self.letters.error))

    @property
    def first(self) -> str:
        return ago(self.letters.first)

    @property
    def last(self) -> str:
        return ago(self.letters.last)

    @property
    def list_address(self) -> str:
        return f"{reverse('admin:events_event_changelist')}?{self._query}"

    @property
    def replay_address(self) -> str:
        return f"{reverse('admin:events_event_replay_matching')}?{self._query}"


def dead_letters_page(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user = operator_of(request)
    runs, deliveries = dead_runs(user), dead_deliveries(user)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Dead letters"),
        "kinds": [
            (_("Failed in a handler"), _groups(runs, "handler")),
            (_("Not taken by a receiver"), _groups(deliveries, "subscription")),
        ],
        "is_empty": not (runs.groups or deliveries.groups),
        "is_more": runs.is_more or deliveries.is_more,
        "most": MAX_SCANNED,
    }
    return TemplateResponse(request, "admin/events/event/dead_letters.html", context)


def _groups(found: DeadLetterGroups, name: str) -> list[Group]:
    return [Group(letters, name) for letters in found.groups]
