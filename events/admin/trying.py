"""Trying things out with an event that is there: one handler runs again with it, and a subscription's filter is tested on it."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from core.console.actions import Question, ask
from core.console.base import ConsoleAdmin, actor_of, operator_of
from core.console.fields import LinesField
from core.vault.redaction import redact
from events.admin.subscription_form import check_condition
from events.enums import ReplayMode, SubscriptionKind
from events.handling.registry import handlers_of
from events.handling.switches import is_switched_on, switches_of
from events.log.replay import replay_event
from events.log.reprocessing import is_replayable
from events.models import Event, Subscription
from events.subscriptions.filters import MAX_CONDITIONS, parse_condition
from feishu.callbacks import is_callback

SECONDS: Final = 2.0
"""That the page may work on it before it leaves it to the workers."""
MAX_FOUND: Final = 5
"""Values of an event that are shown for a condition."""


class RunHandlerForm(forms.Form):
    handler = forms.ChoiceField(label=_("Handler"), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, names: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["handler"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
        field.choices = [(name, name) for name in names]


def runnable_handlers(event: Event) -> list[str]:
    """Names of the handlers for this event that are on for its bot; none for a callback, whose answer would come too late, and
    for what cannot be read."""
    if not is_replayable(event):
        return []
    switches = switches_of(event.bot_id)
    return [one.name for one in handlers_of(event, {}) if is_switched_on(one, switches)]


def ask_and_run_handler(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, event: Event
) -> HttpResponseBase:
    """Ask which handler; once confirmed, that one runs again with the event, and no other."""
    page = HttpResponseRedirect(reverse("admin:events_event_change", args=[event.pk]))
    names = runnable_handlers(event)
    if not names:
        text = gettext("No handler can run with this event: none that is for it is on, or it is a callback.")
        model_admin.message_user(request, text, messages.WARNING)
        return page
    wanted = request.GET.get("handler", "")
    form = RunHandlerForm(
        names, request.POST or None, initial={"handler": wanted if wanted in names else names[0]}
    )
    if request.method != "POST" or not form.is_valid():
        question = Question(
            title=_("Run a handler with this event"),
            text=_(
                "Only the chosen handler runs, once more. What it does happens again: a message is sent a second time, a row "
                "written a second time. Subscriptions get nothing, and what was recorded before stays."
            ),
            submit=_("Run"),
        )
        return ask(request, model_admin, question, row=event, form=form)
    name = form.cleaned_data["handler"]
    job = replay_event(event, mode=ReplayMode.ALL, handlers=[name], actor=actor_of(request), seconds=SECONDS)
    if job.replayed or job.is_open:
        text = gettext("%(handler)s runs again with this event.") % {"handler": name}
        model_admin.message_user(request, text, messages.SUCCESS)
    else:
        text = gettext("%(handler)s is still at work on this event.") % {"handler": name}
        model_admin.message_user(request, text, messages.WARNING)
    return page


class FilterForm(forms.Form):
    """Sent with GET: it changes nothing."""

    subscription = forms.ModelChoiceField(
        label=_("Subscription"),
        queryset=Subscription.objects.none(),
        required=False,
        empty_label=_("None: the conditions below"),
        widget=UnfoldAdminSelectWidget,
    )
    filter = LinesField(
        label=_("Conditions"),
        required=False,
        check=check_condition,
        most=MAX_CONDITIONS,
        rows=4,
        help_text=_(
            "One a line, e.g. event.message.chat_type = p2p. They are tried instead of the subscription's own, and saved nowhere."
        ),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """One condition, whether the event meets it, and what the event has in its place."""

    line: str
    holds: bool
    found: str


@dataclass(slots=True)
class DryRun:
    """Whether an event would be delivered, and why not."""

    is_delivered: bool = True
    reasons: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)

    def refuse(self, reason: str) -> None:
        self.is_delivered = False
        self.reasons.append(reason)


def dry_run(event: Event, subscription: Subscription | None, lines: list[str]) -> DryRun:
    """As ``subscriptions.fan_out.wants`` decides, step by step. Raises ValueError for an event that cannot be read."""
    run = DryRun()
    if subscription is not None:
        _look_at_subscription(run, event, subscription)
    for line in lines:
        condition = parse_condition(line)
        values = condition.values_in(event.envelope)
        holds = condition.holds(event.envelope)
        run.is_delivered &= holds
        shown = redact(values[:MAX_FOUND], name=condition.path[-1])
        run.tried.append(Tried(line, holds, ", ".join(shown) if isinstance(shown, list) else str(shown)))
    return run


def _look_at_subscription(run: DryRun, event: Event, subscription: Subscription) -> None:
    if is_callback(event.event_type) and subscription.kind != SubscriptionKind.ANSWER:
        run.refuse(gettext("It is a callback: only a subscription that answers them gets it."))
    if not is_callback(event.event_type) and subscription.kind == SubscriptionKind.ANSWER:
        run.refuse(gettext("It is not a callback: a subscription that answers them gets nothing else."))
    if not any(fnmatchcase(event.event_type, pattern) for pattern in subscription.event_types):
        types = ", ".join(subscription.event_types)
        run.refuse(
            gettext("The subscription does not want events of this type, but: %(types)s") % {"types": types}
        )
    if not (subscription.all_bots or subscription.bots.filter(pk=event.bot_id).exists()):
        run.refuse(gettext("The event's bot is not among the subscription's."))


def filter_page(model_admin: ConsoleAdmin[Event], request: HttpRequest, event: Event) -> HttpResponseBase:
    """Nothing is delivered."""
    data = request.GET or None
    form = FilterForm(data)
    choices = form.fields["subscription"]
    assert isinstance(choices, forms.ModelChoiceField)  # noqa: S101 -- for the type checker
    choices.queryset = Subscription.objects.visible_to(operator_of(request)).order_by("name")
    run = None
    if data is not None and form.is_valid():
        subscription = form.cleaned_data["subscription"]
        lines = form.cleaned_data["filter"] or (subscription.filter if subscription else [])
        try:
            run = dry_run(event, subscription, lines)
        except (ValueError, RecursionError):
            form.add_error(None, ValidationError(_("This event cannot be read: no filter matches it.")))
    event.page_title = model_admin.title_of(event)  # type: ignore[attr-defined]  # for the way to the page
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": event,
        "title": _("Test a filter with this event"),
        "form": form,
        "run": run,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/events/event/filter_test.html", context)
