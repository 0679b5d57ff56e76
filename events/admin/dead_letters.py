"""Dead letters by handler and kind of failure."""

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
from core.console.columns import ago
from core.vault.redaction import redact_text
from events.log.dead_letters import MOST, DeadLetters, grouped


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the page shows it."""

    letters: DeadLetters

    @property
    def _query(self) -> str:
        return urlencode({"handler": self.letters.handler, "kind": self.letters.error_print})

    @property
    def error(self) -> str:
        return redact_text(self.letters.error)

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
    groups, is_more = grouped(operator_of(request))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Dead letters"),
        "groups": [Group(letters) for letters in groups],
        "is_more": is_more,
        "most": MOST,
    }
    return TemplateResponse(request, "admin/events/event/dead_letters.html", context)
