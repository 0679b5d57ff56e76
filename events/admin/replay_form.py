"""The page that asks before events are replayed: how many there are, for which handlers, how fast."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget

from core.access.actors import Actor
from core.background.notify import notify
from core.console.actions import Question, ask
from core.console.base import operator_of
from events.enums import ReplayMode
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.replay import DEFAULT_RATE, MAX_RATE, advance, estimate, start_replay
from events.models import Event

AT_ONCE = 2.0  # seconds a page may work on the replay of one event before it leaves it to the workers


class ReplayForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Handlers"),
        choices=[
            (ReplayMode.FAILED, _("Those that failed")),
            (ReplayMode.ALL, _("All, also those that succeeded")),
        ],
        initial=ReplayMode.FAILED,
        widget=UnfoldAdminRadioSelectWidget,
    )
    rate = forms.IntegerField(
        label=_("Events a second"),
        min_value=1,
        max_value=MAX_RATE,
        initial=DEFAULT_RATE,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("How fast at most, so that handlers and the systems behind them keep up."),
    )


class ReplayOneForm(ReplayForm):
    """One event needs no pace."""

    rate = None  # type: ignore[assignment]


def ask_and_replay(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    criteria: EventCriteria,
    *,
    event: Event | None = None,
) -> HttpResponseBase:
    """Ask; once confirmed, write the replay down and show it."""
    form = (ReplayOneForm if event else ReplayForm)(request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            return _replay(model_admin, request, criteria, form, event)
        found = estimate(criteria)
    except SearchTooSlowError:
        messages.error(request, gettext("The search took too long. Narrow the time or the filters."))
        return HttpResponseRedirect(reverse("admin:events_event_changelist"))
    text = gettext(
        "%(count)s events match. Their handlers run again; what was recorded of earlier runs stays. Clicks on cards, "
        "unreadable events and events that are still being handled are left out."
    ) % {"count": found}
    if event:
        text = gettext("Its handlers run again; what was recorded of earlier runs stays.")
    return ask(
        request,
        model_admin,
        Question(
            title=_("Replay this event") if event else _("Replay events"), text=text, submit=_("Replay")
        ),
        row=event,
        form=form,
    )


def _replay(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    criteria: EventCriteria,
    form: forms.Form,
    event: Event | None,
) -> HttpResponseBase:
    job = start_replay(
        criteria=criteria,
        mode=ReplayMode(form.cleaned_data["mode"]),
        handlers=[criteria.handler] if criteria.handler else [],
        subscriptions=[criteria.subscription] if criteria.subscription else [],
        rate=form.cleaned_data.get("rate") or MAX_RATE,
        actor=Actor.operator(operator_of(request)),
    )
    if event is None:
        notify("events.replay")
        return HttpResponseRedirect(reverse("admin:events_replayjob_change", args=[job.pk]))
    advance(job, seconds=AT_ONCE)
    job.refresh_from_db()
    if job.replayed:
        model_admin.message_user(request, gettext("The event is being handled again."), messages.SUCCESS)
    else:
        model_admin.message_user(
            request, gettext("There is nothing to replay: no handler of the chosen kind."), messages.WARNING
        )
    return HttpResponseRedirect(reverse("admin:events_event_change", args=[event.pk]))
