"""The page that asks before events are replayed: how many match, what runs again, and how fast."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget

from core.console.actions import Question, ask, refuse_unless_manager
from core.console.base import actor_of, operator_of
from events.admin.change_list import search_problem
from events.enums import ReplayMode
from events.errors import SearchTooSlowError
from events.log.criteria import EventCriteria
from events.log.replay import DEFAULT_RATE, MAX_RATE, estimate, replay_event, start_replay
from events.models import Event

SECONDS = 2.0  # that the page may work on the replay of one event before it leaves it to the workers


class ReplayOneForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Handlers and subscriptions"),
        choices=[
            (ReplayMode.FAILED, _("Those that failed")),
            (ReplayMode.ALL, _("All, also those that succeeded")),
        ],
        initial=ReplayMode.FAILED,
        widget=UnfoldAdminRadioSelectWidget,
    )


class ReplayForm(ReplayOneForm):
    rate = forms.IntegerField(
        label=_("Events a second"),
        min_value=1,
        max_value=MAX_RATE,
        initial=DEFAULT_RATE,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("How fast at most, so that handlers and the systems behind them keep up."),
    )


def ask_and_replay_event(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, event: Event
) -> HttpResponseBase:
    """Ask; once confirmed, replay the event and go back to its page."""
    form = ReplayOneForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        question = Question(
            title=_("Replay this event"),
            text=_("It is handled and delivered again; what was recorded before stays."),
            submit=_("Replay"),
        )
        return ask(request, model_admin, question, row=event, form=form)
    job = replay_event(
        event,
        mode=ReplayMode(form.cleaned_data["mode"]),
        actor=actor_of(request),
        seconds=SECONDS,
    )
    if job.replayed:
        model_admin.message_user(request, gettext("The event is being handled again."), messages.SUCCESS)
    elif job.is_open:
        model_admin.message_user(
            request, gettext("The event will be handled again shortly."), messages.SUCCESS
        )
    else:
        model_admin.message_user(
            request,
            gettext("There is nothing to replay: no handler or subscription of the chosen kind."),
            messages.WARNING,
        )
    return HttpResponseRedirect(reverse("admin:events_event_change", args=[event.pk]))


def ask_and_replay(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, criteria: EventCriteria
) -> HttpResponseBase:
    """Ask; once confirmed, request the replay and show it."""
    refuse_unless_manager(request)
    form = ReplayForm(request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            job = start_replay(
                criteria=criteria,
                mode=ReplayMode(form.cleaned_data["mode"]),
                rate=form.cleaned_data["rate"],
                actor=actor_of(request),
            )
            return HttpResponseRedirect(reverse("admin:events_replayjob_change", args=[job.pk]))
        count = estimate(criteria, asker=("operator", operator_of(request).pk))
    except SearchTooSlowError as error:
        messages.error(request, search_problem(error))
        return HttpResponseRedirect(reverse("admin:events_event_changelist"))
    text = gettext(
        "%(count)s events match. They are handled and delivered again; what was recorded before stays. Clicks on cards, "
        "unreadable events and what is still under way are skipped."
    ) % {"count": count}
    question = Question(title=_("Replay events"), text=text, submit=_("Replay"))
    return ask(request, model_admin, question, form=form)
