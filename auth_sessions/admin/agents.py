"""Agents that people connected: which there are, and a button that ends them; and under whose rules people may connect any."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.domain.agents.access import resource, set_access
from auth_sessions.domain.agents.connected import end
from auth_sessions.enums import AgentEnd
from auth_sessions.models import AgentAccess, ConnectedAgent
from core.access.scopes import Scope
from core.console.actions import Question, button, confirmed
from core.console.badges import label
from core.console.base import ConsoleAdmin, ReadOnlyAdmin, actor_of
from core.console.columns import column
from core.console.filters import VisibleRelatedFilter
from core.console.people import PeopleAdmin
from core.console.rendering import EMPTY, actor, ago, copyable, identifier, when

if TYPE_CHECKING:
    from bots.models import Bot
    from core.access.models import ApiClient

    ModelForm = forms.ModelForm[AgentAccess]
else:
    ModelForm = forms.ModelForm


@admin.register(ConnectedAgent)
class ConnectedAgentAdmin(PeopleAdmin[ConnectedAgent], ReadOnlyAdmin[ConnectedAgent]):
    list_display = ("called", "state_label", "on_behalf_of", "bot", "last_used_ago", "connected_ago")
    list_filter = (("bot", VisibleRelatedFilter),)
    list_select_related = ("bot",)
    search_fields = ("open_id__exact",)
    search_help_text = _("Name of the person; or open_id in full")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("called", "state_label", "on_behalf_of_in_full", "bot", "redirect_host")}),
        (_("Use"), {"fields": ("connected_in_full", "last_used_in_full", "ends", "ended")}),
    )
    readonly_fields = (
        "called", "state_label", "on_behalf_of_in_full", "bot", "redirect_host", "connected_in_full", "last_used_in_full", "ends",
        "ended",
    )  # fmt: skip
    actions_row = ("disconnect",)
    actions_detail = ("disconnect",)
    empty_title = _("Nobody has connected an agent yet")
    empty_text = _(
        "Where an administrator has switched it on, people connect agents such as Claude Code or Cursor by themselves: they sign in "
        "with Feishu and consent once. Each agent then appears here."
    )

    @column(_("agent"))
    def called(self, agent: ConnectedAgent) -> str:
        return agent.name or str(_("An agent without a name"))

    @column(_("state"))
    def state_label(self, agent: ConnectedAgent) -> str:
        if agent.end:
            colour = "danger" if agent.end == AgentEnd.REUSED else "default"
            return label(AgentEnd(agent.end).label, colour)
        return label(_("Connected"), "success") if agent.is_live else label(_("Not used for too long"))

    @column(_("acts for"))
    def on_behalf_of(self, agent: ConnectedAgent) -> str:
        return self.person_in(agent, agent.open_id)

    @column(_("acts for"))
    def on_behalf_of_in_full(self, agent: ConnectedAgent) -> str:
        return self.person_in(agent, agent.open_id, in_full=True)

    @column(_("last used"))
    def last_used_ago(self, agent: ConnectedAgent) -> str:
        return ago(agent.last_used_at)

    @column(_("last used"))
    def last_used_in_full(self, agent: ConnectedAgent) -> str:
        return when(agent.last_used_at)

    @column(_("connected"))
    def connected_ago(self, agent: ConnectedAgent) -> str:
        return ago(agent.connected_at)

    @column(_("connected"))
    def connected_in_full(self, agent: ConnectedAgent) -> str:
        return when(agent.connected_at)

    @column(_("ends if not used"))
    def ends(self, agent: ConnectedAgent) -> str:
        return when(agent.expires_at) if agent.is_live else EMPTY

    @column(_("ended by"))
    def ended(self, agent: ConnectedAgent) -> str:
        return actor(agent.ended_by) if agent.ended_by else EMPTY

    def fits(self, action: str, row: ConnectedAgent) -> bool:  # noqa: ARG002 -- there is one
        return row.is_live

    @button(_("Disconnect"), icon="link_off", path="disconnect", colour="danger")
    @confirmed(
        Question(
            title=_("Disconnect"),
            text=_("The agent can act for the person no more, at once. The person can connect it again."),
            submit=_("Disconnect"),
            danger=True,
        )
    )
    def disconnect(self, request: HttpRequest, agent: ConnectedAgent) -> None:
        if end(agent, AgentEnd.OPERATOR, actor=actor_of(request)):
            self.message_user(request, gettext("The agent is disconnected."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("It was disconnected before."), messages.WARNING)


class AgentAccessForm(ModelForm):
    class Meta:
        model = AgentAccess
        fields = ("enabled", "bot", "client")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("bot", "client"):
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("enabled"):
            return cleaned
        bot: Bot | None = cleaned.get("bot")
        client: ApiClient | None = cleaned.get("client")
        if not settings.PUBLIC_URL:
            raise ValidationError(
                {"enabled": _("PUBLIC_URL is not set, so a browser cannot come back to the portal.")}
            )
        if bot is None:
            raise ValidationError({"bot": _("Choose the bot through which people sign in.")})
        if client is None:
            raise ValidationError({"client": _("Choose the API client whose rules hold.")})
        if not client.may(Scope.PROXY_USER) or not client.may_use(bot.pk):
            raise ValidationError(
                {"client": _("This API client lacks the scope proxy:user, or may not use the bot.")}
            )
        return cleaned


@admin.register(AgentAccess)
class AgentAccessAdmin(ConsoleAdmin[AgentAccess]):
    """One row at most."""

    form = AgentAccessForm
    list_display = ("state_label", "bot", "client")
    list_select_related = ("bot", "client")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("enabled", "bot", "client")}),
        (_("For agents"), {"fields": ("address", "redirect_url")}),
    )
    readonly_fields = ("address", "redirect_url")
    empty_title = _("People cannot connect agents")
    empty_text = _(
        "Say through which bot people sign in and which API client's rules hold for the agents that they connect, and switch it on."
    )

    @column(_("state"))
    def state_label(self, access: AgentAccess) -> str:
        return label(_("On"), "success") if access.enabled else label(_("Off"))

    @column(_("address"))
    def address(self, _access: AgentAccess) -> str:
        return copyable(resource()) if settings.PUBLIC_URL else EMPTY

    @column(_("redirect URL to register at the platform"))
    def redirect_url(self, access: AgentAccess) -> str:
        uri = access.bot.redirect_uri if access.bot else ""
        return identifier(uri) if uri else EMPTY

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not AgentAccess.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: AgentAccess | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def save_model(self, request: HttpRequest, obj: AgentAccess, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 -- Django's signature
        set_access(obj, actor=actor_of(request))
