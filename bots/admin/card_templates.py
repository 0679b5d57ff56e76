"""Card templates: cards that are saved to be sent by name, with a preview."""

from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from bots.admin.card_template_form import MAX_WRITTEN, CardTemplateForm, in_words
from bots.card_templates import service
from bots.card_templates.checking import checked, parsed, sample
from bots.card_templates.filling import Json
from bots.errors import TemplateError
from bots.models import CardTemplate
from core.console.base import ConsoleAdmin, actor_of, operator_of
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter
from core.console.rendering import EMPTY, ago, copyable, when

PREVIEW_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src {host}; style-src {host}; style-src-attr 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Of the frame with the preview: an origin of its own, no picture, no request but for its own script and styles."""
ASKED: Final = ("name", "bot", "description", "card", "variables")
READ_ONLY: Final = ("whose", "identification", "version", "changed_in_full")


@admin.register(CardTemplate)
class CardTemplateAdmin(ConsoleAdmin[CardTemplate]):
    form = CardTemplateForm
    list_display = ("name", "whose", "described", "version", "changed")
    list_filter = (("bot", VisibleRelatedFilter),)
    list_select_related = ("bot",)
    search_fields = ("name", "description")
    search_help_text = _("Name or description")
    sortable_by = ("name",)
    deferred_in_lists = ("card", "variables")
    warn_unsaved_form = True
    change_form_after_template = "admin/bots/cardtemplate/preview_panel.html"
    fieldsets = (
        (None, {"fields": ("name", "whose", "description", "card", "variables")}),
        (_("About"), {"fields": ("identification", "version", "changed_in_full")}),
    )
    empty_title = _("No card templates yet")
    empty_text = _(
        "A card template is a card with variables that handlers, greetings and other systems send by its name."
    )

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "preview/", self.admin_site.admin_view(self.preview_draft), name="bots_cardtemplate_preview"
            ),
            path(
                "<path:object_id>/preview/",
                self.admin_site.admin_view(self.preview_saved),
                name="bots_cardtemplate_preview_saved",
            ),
        ]
        return [*own, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: CardTemplate | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else ((None, {"fields": ASKED}),)

    def get_readonly_fields(self, _request: HttpRequest, obj: CardTemplate | None = None) -> tuple[str, ...]:
        """Who sends a card names it by its name."""
        return ("name", *READ_ONLY) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: CardTemplate | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: CardTemplate | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    # --- columns

    @column(_("bot"))
    def whose(self, template: CardTemplate) -> str:
        return str(template.bot or _("All bots"))

    @column(_("description"))
    def described(self, template: CardTemplate) -> str:
        return template.description or EMPTY

    @column(_("changed"))
    def changed(self, template: CardTemplate) -> str:
        return ago(template.changed_at)

    @column(_("changed"))
    def changed_in_full(self, template: CardTemplate) -> str:
        return when(template.changed_at)

    @column(_("ID"))
    def identification(self, template: CardTemplate) -> str:
        return copyable(str(template.pk), testid="template-id")

    # --- the preview

    def preview_draft(self, request: HttpRequest) -> HttpResponse:
        """What the form holds, saved or not."""
        if request.method != "POST":
            return _preview(request, None)
        try:
            variables = request.POST.get("variables", "")
            known = parsed(variables) if variables.strip() else {}
            return _preview(request, sample(*checked(request.POST.get("card", "")[:MAX_WRITTEN], known)))
        except TemplateError as error:
            return _preview(request, None, problem=in_words(error))

    def preview_saved(self, request: HttpRequest, object_id: str) -> HttpResponse:
        template = self.visible_or_404(request, unquote(object_id))
        try:
            return _preview(request, sample(*checked(template.card, template.variables)))
        except TemplateError as error:
            return _preview(request, None, problem=in_words(error))

    # --- writing

    def save_model(
        self,
        request: HttpRequest,
        obj: CardTemplate,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        actor = actor_of(request)
        if change:
            service.change_template(obj, changed=form.changed_data, actor=actor)
        else:
            service.add_template(obj, actor=actor)

    def delete_model(self, request: HttpRequest, obj: CardTemplate) -> None:
        service.remove_template(obj, actor=actor_of(request))


def _may_change(request: HttpRequest, template: CardTemplate | None) -> bool:
    """One of all bots belongs to those who see all of them."""
    return template is None or template.bot_id is not None or operator_of(request).sees_everything


def _preview(request: HttpRequest, card: Json | None, *, problem: str = "") -> HttpResponse:
    language = "zh-CN" if (get_language() or "").startswith("zh") else "en"
    context = {"card": card, "problem": problem, "language": language}
    response = render(request, "admin/bots/cardtemplate/preview.html", context)
    # A frame with an origin of its own is nobody's "self".
    response["Content-Security-Policy"] = PREVIEW_POLICY.format(
        host=f"{request.scheme}://{request.get_host()}"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response
