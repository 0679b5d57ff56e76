"""Which handlers run for which bot, and how much optional work was shed under load."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from core.console.actions import Question, ask
from core.console.badges import label
from core.console.base import ReadOnlyAdmin, actor_of, operator_of
from core.console.columns import column
from core.console.rendering import EMPTY, identifier, when
from events.admin.handler_page import handlers_page, loss_of, switch_for_all, takes
from events.enums import OptionalWork
from events.handling.descriptions import description_of
from events.handling.registry import known_handlers
from events.handling.switches import is_switched_on, set_switches, switches_of
from events.models import HandledBot, ShedCount


class SwitchesForm(forms.Form):
    """A switch for each handler: as set for the bot, else the handler's default."""

    def __init__(self, switches: dict[str, bool], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.handlers = known_handlers()
        for number, handler in enumerate(self.handlers):
            self.fields[f"handler_{number}"] = forms.BooleanField(
                label=handler.name,
                help_text=" · ".join(filter(None, (str(description_of(handler).does), takes(handler)))),
                required=False,
                initial=is_switched_on(handler, switches),
                widget=UnfoldBooleanSwitchWidget,
            )


class ConfirmedSwitchesForm(forms.Form):
    """Carries the chosen switches over the page that asks."""

    sure = forms.CharField(widget=forms.HiddenInput, initial="yes")

    def __init__(self, chosen: SwitchesForm) -> None:
        super().__init__()
        for name in chosen.fields:
            value = chosen.cleaned_data[name]
            self.fields[name] = forms.CharField(widget=forms.HiddenInput, initial=str(value))


@admin.register(HandledBot)
class HandlersAdmin(ReadOnlyAdmin[HandledBot]):
    """Bots; the page of one has a switch for each handler."""

    list_display = ("name", "app_id_shown", "switched_off")
    search_fields = ("name", "app_id")
    search_help_text = _("Name or App ID")
    sortable_by = ()
    empty_title = _("No bots yet")

    def has_change_permission(self, request: HttpRequest, obj: HandledBot | None = None) -> bool:
        """Asked by the pages that switch handlers; a form of Django's own there is none."""
        return super(ReadOnlyAdmin, self).has_change_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("handlers/", wrap(handlers_page.__get__(self)), name="events_handledbot_handlers"),
            path("switch/", wrap(switch_for_all.__get__(self)), name="events_handledbot_switch"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HandledBot]:
        switches = Count("handler_switches", filter=Q(handler_switches__is_on=False))
        return super().get_queryset(request).annotate(off=switches)

    @column(_("App ID"))
    def app_id_shown(self, bot: HandledBot) -> str:
        return identifier(bot.app_id)

    @column(_("handlers switched off"))
    def switched_off(self, bot: HandledBot) -> str:
        off = getattr(bot, "off", 0)
        return str(off) if off else EMPTY

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 -- Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 -- Django's signature
    ) -> HttpResponse:
        bot = self.visible_or_404(request, unquote(object_id))
        switches = switches_of(bot.pk)
        form = SwitchesForm(switches, request.POST or None)
        if not operator_of(request).may_manage:
            for field in form.fields.values():
                field.disabled = True
        if request.method == "POST" and form.is_valid():
            wanted = {
                handler: form.cleaned_data[f"handler_{number}"]
                for number, handler in enumerate(form.handlers)
            }
            lost = [
                loss
                for handler, is_on in wanted.items()
                if is_switched_on(handler, switches) and not is_on and (loss := loss_of(handler))
            ]
            if lost and "sure" not in request.POST:
                question = Question(
                    title=gettext("Switch off handlers of the portal?"),
                    text=" ".join(lost),
                    submit=_("Switch off"),
                    danger=True,
                )
                return ask(request, self, question, form=ConfirmedSwitchesForm(form))
            set_switches(bot=bot, wanted=wanted, actor=actor_of(request))
            messages.success(request, gettext("The handlers of %(bot)s are set.") % {"bot": bot.name})
            return HttpResponseRedirect(reverse("admin:events_handledbot_changelist"))
        return ask(
            request,
            self,
            Question(
                title=gettext("Handlers of %(bot)s") % {"bot": bot.name},
                text=_(
                    "A handler that is switched off leaves this bot's events alone; each event says so. "
                    "Replay events to have them handled later."
                ),
                submit=_("Save") if operator_of(request).may_manage else "",
            ),
            form=form,
        )


@admin.register(ShedCount)
class ShedCountAdmin(ReadOnlyAdmin[ShedCount]):
    list_display = ("hour_shown", "work_shown", "count")
    list_filter = ("work",)
    sortable_by = ()
    fields = list_display
    readonly_fields = list_display
    empty_title = _("Nothing was shed")
    empty_text = _("When events come faster than they can be stored, optional work is shed and counted here.")

    @column(_("hour"))
    def hour_shown(self, row: ShedCount) -> str:
        return when(row.hour)

    @column(_("shed work"))
    def work_shown(self, row: ShedCount) -> str:
        return label(OptionalWork(row.work).label)
