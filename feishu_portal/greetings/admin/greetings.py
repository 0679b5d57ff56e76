"""Greetings: what a bot says on which occasion, set in the console."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.card_templates.variables import declared
from bots.models import Bot, CardTemplate
from core.console.badges import label
from core.console.base import ConsoleAdmin, actor_of
from core.console.columns import column
from core.console.fields import Textarea
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter
from core.console.rendering import EMPTY, identifier
from feishu_portal.greetings import service
from feishu_portal.greetings.answering import PLACE, built_in_answers
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeting

if TYPE_CHECKING:
    from django.db.models import QuerySet

    ModelForm = forms.ModelForm[Greeting]
else:
    ModelForm = forms.ModelForm

SAID: Final = frozenset({"bot", "chat", "people"})
"""What a text may say. A card has "person" as well, unless the occasion is nobody's."""
IS_MENU: Final = "typeof occasion === 'undefined' || occasion == 'menu'"
IS_CHAT: Final = "typeof occasion === 'undefined' || occasion != 'menu'"


class GreetingForm(ModelForm):
    class Meta:
        model = Greeting
        fields = ("bot", "occasion", "menu_key", "text", "template", "pause_minutes", "enabled")
        widgets = {"text": Textarea({"rows": 4})}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("occasion", self.instance.occasion) == Occasion.MENU:
            if not cleaned.get("menu_key", self.instance.menu_key):
                self.add_error("menu_key", _("Name the event key of the menu entry."))
        else:
            cleaned["menu_key"] = ""
        text, template = cleaned.get("text", ""), cleaned.get("template")
        if "text" in cleaned and bool(text.strip()) == (template is not None):
            self.add_error("text", _("Write a text, or choose a card template; one of the two."))
        elif unknown := [name for name in PLACE.findall(text) if name not in SAID]:
            said = _("“{{%(name)s}}” is not known here; there are %(names)s.")
            self.add_error("text", said % {"name": unknown[0], "names": _listed(SAID)})
        if template is not None:
            occasion = cleaned.get("occasion", self.instance.occasion)
            self._check_template(template, cleaned.get("bot"), occasion)
        return cleaned

    def _check_template(self, template: CardTemplate, bot: Bot | None, occasion: str) -> None:
        bot_id = bot.pk if bot else self.instance.bot_id
        if template.bot_id not in {None, bot_id}:
            self.add_error("template", _("This card template belongs to another bot."))
        filled = SAID if occasion == Occasion.BOT_ADDED else SAID | {"person"}
        missing = [
            one.name
            for one in declared(template.variables).values()
            if one.default is None and one.name not in filled
        ]
        if missing:
            said = _(
                "The variable “%(name)s” of this card template needs a default: nobody gives it a value here."
            )
            self.add_error("template", said % {"name": missing[0]})


@admin.register(Greeting)
class GreetingAdmin(ConsoleAdmin[Greeting]):
    form = GreetingForm
    list_display = ("occasion_label", "bot", "says", "state_label")
    list_filter = ("occasion", ("bot", VisibleRelatedFilter))
    list_select_related = ("bot", "template")
    sortable_by = ()
    warn_unsaved_form = True
    conditional_fields = {"menu_key": IS_MENU, "pause_minutes": IS_CHAT}
    add_fieldsets = (
        (
            None,
            {
                "fields": ("bot", "occasion", "menu_key", "text", "template", "pause_minutes", "enabled"),
                "description": _(
                    "Sent by the bot, once for each event. The app has to be subscribed to the event. Where the portal's own "
                    "greeting or command would answer as well, that one does."
                ),
            },
        ),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "bot_shown",
                    "occasion_label",
                    "menu_key_shown",
                    "text",
                    "template",
                    "pause_minutes",
                    "enabled",
                    "state_label",
                )
            },
        ),
    )
    empty_title = _("No greetings yet")
    empty_text = _(
        "A greeting is a text or a card that a bot sends by itself: when somebody opens its chat, when it or people join a "
        "group, or for an entry of its menu."
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Greeting]":
        return super().get_queryset(request).prefetch_related("bot__handler_switches")

    def get_fieldsets(self, request: HttpRequest, obj: Greeting | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        unfit = "pause_minutes" if obj.occasion == Occasion.MENU else "menu_key_shown"
        return without(super().get_fieldsets(request, obj), {unfit})

    def get_readonly_fields(self, _request: HttpRequest, obj: Greeting | None = None) -> tuple[str, ...]:
        return ("bot_shown", "occasion_label", "menu_key_shown", "state_label") if obj else ()

    @column(_("occasion"))
    def occasion_label(self, greeting: Greeting) -> str:
        return str(greeting)

    @column(_("bot"))
    def bot_shown(self, greeting: Greeting) -> str:
        return str(greeting.bot)

    @column(_("event key"))
    def menu_key_shown(self, greeting: Greeting) -> str:
        return identifier(greeting.menu_key)

    @column(_("says"))
    def says(self, greeting: Greeting) -> str:
        if greeting.template is not None:
            return format_html("{} {}", gettext("Card"), identifier(greeting.template.name))
        return Truncator(greeting.text).chars(80) or EMPTY

    @column(_("state"))
    def state_label(self, greeting: Greeting) -> str:
        if not greeting.enabled:
            return label(_("Disabled"))
        if built_in_answers(greeting):
            return label(_("The portal's own answer wins"), "warning")
        return label(_("Enabled"), "success")

    # --- writing

    def save_model(
        self,
        request: HttpRequest,
        obj: Greeting,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        actor = actor_of(request)
        if change:
            service.change_greeting(obj, changed=form.changed_data, actor=actor)
        else:
            service.add_greeting(obj, actor=actor)
        if obj.enabled and built_in_answers(obj):
            said = gettext(
                "Not sent for the time being: the portal's own handler answers on this occasion. Switch it off for this bot on "
                "the page “Handlers” to have this greeting sent."
            )
            self.message_user(request, said, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Greeting) -> None:
        service.remove_greeting(obj, actor=actor_of(request))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(f"{{{{{name}}}}}" for name in names))
