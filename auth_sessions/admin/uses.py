"""Token use in the console, by person, caller and time."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import UseKind
from auth_sessions.models import TokenUse
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter, since
from core.console.people import PeopleAdmin
from core.console.rendering import EMPTY, ago, problem_block, when
from feishu.codes import explain

KIND_COLOURS = {UseKind.ISSUED: "warning", UseKind.CALL: "info", UseKind.CODE: "info"}


@admin.register(TokenUse)
class TokenUseAdmin(PeopleAdmin[TokenUse], ReadOnlyAdmin[TokenUse]):
    list_display = ("time_ago", "caller", "kind_label", "answered", "called", "on_behalf_of", "bot")
    list_filter = (since("at"), "kind", ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("open_id__exact", "caller__exact")
    search_help_text = _("Name of the person; or open_id or caller, in full")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("time_in_full", "caller", "kind_label", "bot", "on_behalf_of_in_full", "tenant_key", "generation")}),
        (_("Call"), {"fields": ("called", "sent_bytes", "received_bytes", "duration")}),
        (_("Answer"), {"fields": ("answered", "problem")}),
    )  # fmt: skip
    readonly_fields = (
        "time_in_full", "caller", "kind_label", "bot", "on_behalf_of_in_full", "tenant_key", "generation", "called", "sent_bytes",
        "received_bytes", "duration", "answered", "problem",
    )  # fmt: skip
    empty_title = _("No token was used yet")
    empty_text = _(
        "Every token that an API client is given and every call it makes by the proxy is written down here before it happens."
    )

    def title_of(self, row: TokenUse) -> str:
        who = self.name_of(row, row.open_id) or row.open_id or gettext("The bot itself")
        return f"{UseKind(row.kind).label} · {who}"

    @column(_("time"), ordering="id")
    def time_ago(self, use: TokenUse) -> str:
        return ago(use.at)

    @column(_("time"))
    def time_in_full(self, use: TokenUse) -> str:
        return when(use.at)

    @column(_("use"))
    def kind_label(self, use: TokenUse) -> str:
        return state(UseKind(use.kind), KIND_COLOURS)

    @column(_("On behalf of"))
    def on_behalf_of(self, use: TokenUse) -> str:
        return self.person_in(use, use.open_id) if use.open_id else str(_("The bot itself"))

    @column(_("On behalf of"))
    def on_behalf_of_in_full(self, use: TokenUse) -> str:
        return self.person_in(use, use.open_id, in_full=True) if use.open_id else str(_("The bot itself"))

    @column(_("call"))
    def called(self, use: TokenUse) -> str:
        if not use.path:
            return EMPTY
        return format_html('<code class="portal-id portal-path">{} {}</code>', use.method, use.path)

    @column(_("answer"))
    def answered(self, use: TokenUse) -> str:
        if use.kind == UseKind.ISSUED:
            return EMPTY
        if use.status is None:
            return label(_("Unanswered"))
        is_good = use.status < 400 and not use.code and not use.reason
        colour = "success" if is_good else "danger"
        return label(f"{use.status} · {use.code}" if use.code else use.status, colour)

    @column(_("duration"))
    def duration(self, use: TokenUse) -> str:
        return EMPTY if use.seconds is None else f"{use.seconds:.3f} s"

    @column(_("error"))
    def problem(self, use: TokenUse) -> str:
        if not use.code and not use.reason:
            return EMPTY
        return problem_block(explain(use.code or None, use.reason).for_one_attempt, log_id=use.log_id)
