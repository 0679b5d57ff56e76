"""API clients: added with a key that is shown once, and given another one when it has to be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core.access import audit
from core.access.api_keys import add_api_client, replace_key
from core.access.bot_directory import app_ids_of, names_of, visible_to
from core.access.models import ApiClient
from core.access.path_rules import opens_nothing, parse_rule
from core.access.scopes import Scope
from core.console.actions import Question, button, confirmed
from core.console.badges import label
from core.console.base import ConsoleAdmin, KnowsOperator, actor_of
from core.console.columns import column
from core.console.fields import LinesField, NamedMultipleChoiceField
from core.console.rendering import EMPTY, ago, identifier, when
from core.console.shown_once import show_once

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ApiClient]
else:
    ModelForm = forms.ModelForm


def check_path_rule(text: str) -> None:
    """An entry is a rule for the proxy."""
    try:
        parse_rule(text)
    except ValueError:
        raise ValidationError(
            _(
                "“%(entry)s” is not a rule: write allow, ask or deny, a method, a path and perhaps a resource, with one "
                "space between them, e.g. ask POST /open-apis/im/v1/messages receive_id=oc_…. A rule that allows a resource "
                "names its field."
            ),
            params={"entry": text},
        ) from None


def named_bots(clients: Sequence[ApiClient]) -> list[list[str]]:
    """The App IDs of the bots that each of the clients names; one query for all."""
    ids = [[UUID(bot_id) for bot_id in client.bot_ids] for client in clients]
    found = app_ids_of({bot_id for named in ids for bot_id in named})
    return [sorted(found[bot_id] for bot_id in named if bot_id in found) for named in ids]


def _names_of(client: ApiClient) -> list[str]:
    return list(names_of({UUID(bot_id) for bot_id in client.bot_ids}).values())


class ApiClientForm(KnowsOperator, ModelForm):
    """Shown to administrators alone, so no bot of a client is out of sight."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What this client may do. Give no more than it needs."),
    )
    app_ids: NamedMultipleChoiceField[Any] = NamedMultipleChoiceField(
        label=_("Bots"),
        to_field_name="app_id",
        detail="app_id",
        search=_("Name or App ID"),
        required=False,
        help_text=_("The bots this client may act for."),
    )

    proxy_paths = LinesField(
        label=_("Calls by the proxy"),
        required=False,
        check=check_path_rule,
        most=200,
        rows=8,
        help_text=_(
            "One rule a line, the first that fits decides: allow GET /open-apis/calendar/v4/** (allow can be left out), ask POST "
            "/open-apis/im/v1/messages, deny * /open-apis/** doxcn…. With ask the person it is for approves each call on a card. * "
            "stands for any method or for one part of the path, ** at the end for all that follows; a document, folder, chat or table "
            "after it, as token or field=token, for calls that name it. What no rule fits is refused. Without a rule the client may "
            "send every call; those for tokens are closed to all."
        ),
    )

    class Meta:
        model = ApiClient
        fields = ("name", "scopes", "all_bots", "proxy_paths", "enabled", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        [self.initial["app_ids"]] = named_bots([self.instance])
        cast("NamedMultipleChoiceField[Any]", self.fields["app_ids"]).queryset = visible_to(self.operator)

    def clean_proxy_paths(self) -> list[str]:
        rules: list[str] = self.cleaned_data["proxy_paths"]
        if opens_nothing(rules):
            raise ValidationError(
                _(
                    "These rules refuse every call. Add what is allowed, e.g. allow * /open-apis/** as the last one."
                )
            )
        return rules

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "app_ids" in cleaned and bool(cleaned.get("all_bots")) == bool(cleaned["app_ids"]):
            raise ValidationError({"app_ids": _("Name the bots, or choose “all bots”; one of the two.")})
        return cleaned


@admin.register(ApiClient)
class ApiClientAdmin(ConsoleAdmin[ApiClient]):
    form = ApiClientForm
    list_display = (
        "name",
        "key_shown",
        "bots",
        "scopes_shown",
        "state_badge",
        "last_used_ago",
        "expires_shown",
    )
    list_filter = ("enabled",)
    search_fields = ("name", "prefix__exact")
    search_help_text = _("Name or key prefix")
    add_fieldsets = (
        (
            None,
            {
                "fields": ("name", "scopes", "all_bots", "app_ids", "proxy_paths", "expires_at"),
                "description": _("The key is shown once, on the page that follows. Only its hash is stored."),
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("name", "key_shown", "enabled", "expires_at")}),
        (_("What it may do"), {"fields": ("scopes", "all_bots", "app_ids", "proxy_paths")}),
        (_("Use"), {"fields": ("last_used_in_full", "created")}),
    )
    readonly_fields = ("key_shown", "last_used_in_full", "created")
    conditional_fields = {"app_ids": "!all_bots"}
    actions_detail = ("replace_key",)
    empty_title = _("No API clients yet")
    empty_text = _("An internal system needs a key to call the portal: add a client and hand the key over.")

    @column(_("key"))
    def key_shown(self, client: ApiClient) -> str:
        return identifier(f"fp_{client.prefix}_…")

    @column(_("bots"))
    def bots(self, client: ApiClient) -> str:
        named = client.named  # type: ignore[attr-defined]
        return (
            str(_("All bots")) if client.all_bots else ", ".join(named[:3]) + (" …" if len(named) > 3 else "")
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the bots of all clients on the page, read at once."""
        changes = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        for client, app_ids in zip(changes.result_list, named_bots(changes.result_list), strict=True):
            client.named = app_ids
        return changes

    @column(_("App IDs"))
    def app_ids(self, client: ApiClient) -> str:
        """Where the client is only looked at; else the form has a field of this name."""
        [named] = named_bots([client])
        return ", ".join(named) or EMPTY

    @column(_("scopes"))
    def scopes_shown(self, client: ApiClient) -> str:
        return ", ".join(client.scopes)

    @column(_("state"))
    def state_badge(self, client: ApiClient) -> str:
        if not client.enabled:
            return label(_("Disabled"))
        if client.expires_at and client.expires_at <= timezone.now():
            return label(_("Expired"), "warning")
        return label(_("Active"), "success")

    @column(_("last used"), ordering="last_used_at")
    def last_used_ago(self, client: ApiClient) -> str:
        return ago(client.last_used_at)

    @column(_("last used"))
    def last_used_in_full(self, client: ApiClient) -> str:
        return when(client.last_used_at)

    @column(_("expires"), ordering="expires_at")
    def expires_shown(self, client: ApiClient) -> str:
        return ago(client.expires_at) if client.expires_at else str(_("never"))

    @column(_("created"))
    def created(self, client: ApiClient) -> str:
        return when(client.created_at)

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        actor = actor_of(request)
        if change:
            obj.bot_ids = sorted(str(bot.pk) for bot in form.cleaned_data["app_ids"])
            before = ApiClient.objects.get(pk=obj.pk)
            obj.save()
            changed = [name for name in form.changed_data if name != "app_ids"]
            bots = _names_of(before), _names_of(obj)
            changes = audit.changes(before, obj, changed, related={"bots": bots})
            audit.record(actor=actor, action="api_client.updated", target=obj.name, **changes)
            return
        client, key = add_api_client(
            name=obj.name,
            scopes=[Scope(scope) for scope in obj.scopes],
            bots=form.cleaned_data["app_ids"],
            proxy_paths=obj.proxy_paths,
            expires_at=obj.expires_at,
            actor=actor,
        )
        obj.pk, obj.prefix = client.pk, client.prefix
        # Carried to response_add, which answers this very request; stored nowhere.
        request.new_api_key = key  # type: ignore[attr-defined]

    def response_add(
        self,
        request: HttpRequest,
        obj: ApiClient,
        post_url_continue: str | None = None,  # noqa: ARG002 -- Django's signature
    ) -> HttpResponse:
        return self._show_key(request, obj, request.new_api_key)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: ApiClient) -> None:
        audit.record(actor=actor_of(request), action="api_client.deleted", target=obj.name)
        super().delete_model(request, obj)

    @button(_("Replace key"), icon="autorenew", path="replace-key", colour="warning")
    @confirmed(
        Question(
            title=_("Replace key"),
            text=_("The key in use stops working at once. The new one is shown once, on the next page."),
            submit=_("Replace key"),
            danger=True,
        )
    )
    def replace_key(self, request: HttpRequest, client: ApiClient) -> HttpResponseBase:
        key = replace_key(client, actor=actor_of(request))
        return self._show_key(request, client, key)

    def _show_key(self, request: HttpRequest, client: ApiClient, key: str) -> HttpResponse:
        return show_once(
            request,
            self,
            row=client,
            title=_("The key of %(name)s") % {"name": client.name},
            text=_(
                "This is the only time the key is shown. Copy it now and keep it where the client reads its secrets."
            ),
            secret=key,
        )
