"""The page over all bots by handler: what each does, how it did in the past day, what failed last, and for how many bots it is
on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.models import User
from core.console.actions import Question, ask
from core.console.base import actor_of, operator_of
from core.console.rendering import EMPTY, ago, duration
from core.vault.redaction import redact_text
from events.admin.change_list import search_problem
from events.admin.list_cells import type_in_words
from events.errors import SearchTooSlowError
from events.handling.descriptions import Description, description_of, is_built_in, owner_of
from events.handling.registry import OTHERS, Registration, handler_named, known_handlers
from events.handling.switches import is_switched_on, set_switch, switches_by_bot
from events.log.fingerprints import last_line
from events.log.handler_figures import NEWEST, Figures, HandlerFigures, handler_figures
from events.log.sentences import shown
from events.models import HandlerSwitch

MAX_BOTS: Final = 2_000
"""Bots that one click switches a handler for."""
NO_FIGURES: Final = HandlerFigures()


@dataclass(frozen=True, slots=True)
class HandlerRow:
    """One handler as the page shows it."""

    handler: Registration
    description: Description
    figures: HandlerFigures
    bots: int
    on: int

    @property
    def owner(self) -> str:
        return owner_of(self.handler)

    @property
    def is_built_in(self) -> bool:
        return is_built_in(self.handler)

    @property
    def takes(self) -> str:
        return takes(self.handler)

    @property
    def p95(self) -> str:
        return duration(self.figures.p95) if self.figures.p95 is not None else EMPTY

    @property
    def is_troubled(self) -> bool:
        return self.figures.failed > 0

    @property
    def last_error(self) -> str:
        dead = self.figures.last_dead
        return shown(redact_text(last_line(dead.error))) or gettext("without a message") if dead else ""

    @property
    def last_error_at(self) -> str:
        dead = self.figures.last_dead
        return ago(dead.finished_at) if dead else ""

    @property
    def last_error_page(self) -> str:
        dead = self.figures.last_dead
        return reverse("admin:events_event_change", args=[dead.event_id]) if dead else ""

    def switch_page(self, *, on: bool) -> str:
        query = urlencode({"handler": self.handler.name, "on": "1" if on else "0"})
        return f"{reverse('admin:events_handledbot_switch')}?{query}"

    @property
    def page_that_switches_on(self) -> str:
        """Empty where it is on for every bot."""
        return self.switch_page(on=True) if self.on < self.bots else ""

    @property
    def page_that_switches_off(self) -> str:
        return self.switch_page(on=False) if self.on else ""


def takes(handler: Registration) -> str:
    """Which events a handler is for, in words."""
    if handler.action is not None:
        return gettext("Clicks: %s") % (handler.action or "*")
    if handler.pattern == OTHERS:
        return gettext("Events that no other handler takes")
    words = type_in_words(handler.pattern)
    parts = [handler.pattern] if words == handler.pattern else [words, handler.pattern]
    if handler.addressed:
        parts.append(gettext("only those for the bot"))
    return " · ".join(parts)


def handlers_page(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    user = operator_of(request)
    try:
        figures = handler_figures(user)
    except SearchTooSlowError as error:
        messages.warning(request, search_problem(error))
        figures = Figures({}, is_cut=False)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Handlers"),
        "rows": list(_rows(user, figures)),
        "is_cut": figures.is_cut,
        "most": NEWEST,
        "may_change": model_admin.has_change_permission(request),
    }
    return TemplateResponse(request, "admin/events/handledbot/handlers.html", context)


def _rows(user: User, figures: Figures) -> Iterator[HandlerRow]:
    """Those that failed first."""
    bots = Bot.objects.visible_to(user).count()
    counts = (
        HandlerSwitch.objects.visible_to(user)
        .order_by()
        .values("handler", "is_on")
        .annotate(count=Count("pk"))
    )
    switched = {(row["handler"], row["is_on"]): row["count"] for row in counts}
    rows = []
    for handler in known_handlers():
        on = (
            bots - switched.get((handler.name, False), 0)
            if handler.is_on
            else switched.get((handler.name, True), 0)
        )
        found = figures.by_handler.get(handler.name, NO_FIGURES)
        rows.append(HandlerRow(handler, description_of(handler), found, bots, on))
    yield from sorted(rows, key=lambda row: -row.figures.failed)


def switch_for_all(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponseBase:
    """Ask; once confirmed, switch one handler on or off for every bot of the operator."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    handler = handler_named(request.GET.get("handler", ""))
    if handler is None or request.GET.get("on") not in {"0", "1"}:
        raise Http404
    is_on = request.GET["on"] == "1"
    if request.method != "POST":
        return ask(request, model_admin, question_of(handler, is_on=is_on))
    bots = list(Bot.objects.visible_to(operator_of(request)).order_by("pk")[:MAX_BOTS])
    switches = switches_by_bot([bot.pk for bot in bots]) if bots else {}
    for bot in bots:
        if is_switched_on(handler, switches[bot.pk]) != is_on:
            set_switch(bot=bot, handler=handler, is_on=is_on, actor=actor_of(request))
    done = (
        gettext("%(handler)s is on for all bots.") if is_on else gettext("%(handler)s is off for all bots.")
    ) % {"handler": handler.name}
    messages.success(request, done)
    return HttpResponseRedirect(reverse("admin:events_handledbot_handlers"))


def question_of(handler: Registration, *, is_on: bool) -> Question:
    """What is asked before a handler is switched for all bots."""
    if is_on:
        return Question(
            title=gettext("Switch on %(handler)s for all bots") % {"handler": handler.name},
            text=_(
                "Events that arrive from now on are handled by it. Replay events to have earlier ones handled."
            ),
            submit=_("Switch on"),
        )
    return Question(
        title=gettext("Switch off %(handler)s for all bots") % {"handler": handler.name},
        text=" ".join(
            filter(
                None,
                (loss_of(handler), gettext("Its events are left alone from now on; each event says so.")),
            )
        ),
        submit=_("Switch off"),
        danger=True,
    )


def loss_of(handler: Registration) -> str:
    """What people lose where one of the portal's own handlers is off; empty for any other."""
    without = str(description_of(handler).without)
    if not (is_built_in(handler) and without):
        return ""
    return gettext("%(handler)s belongs to the portal. Without it: %(loss)s") % {
        "handler": handler.name.rpartition(".")[2],
        "loss": without,
    }
