"""Bots in the console: what is known of them, what can be done to them, and how they are stored."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.forms import Media, Script
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.admin.activity import Activity, activity_of
from bots.admin.badges import live_badge
from bots.admin.bot_form import KEYS, NEXT, SECRETS, BotForm
from bots.admin.brand import switch_page
from bots.admin.chat_picker import ChatPages
from bots.admin.checklist import ChecklistButton, live_checklist
from bots.admin.connected_filter import ConnectedFilter
from bots.admin.controls import BULK, BUTTONS, ConnectionControls
from bots.admin.deletion import BotDeletion
from bots.admin.groups import GroupPages
from bots.admin.incidents import open_incidents
from bots.admin.people import PeoplePages
from bots.admin.platform_count import counted
from bots.admin.registration import RegistrationPages
from bots.admin.slots import SlotInline
from bots.admin.uptime import uptime_bar
from bots.admin.webhook import WebhookReadings, refusal_notices
from bots.brand import may_be_wrong_brand, other_brand, platform_names_other_brand
from bots.connections.status import statuses
from bots.models import Bot
from bots.service import save_bot
from core.access.models import User
from core.console.actions import button
from core.console.badges import label
from core.console.base import ConsoleAdmin, actor_of, operator_of
from core.console.columns import column
from core.console.fields import NamedMultipleChoiceField
from core.console.fieldsets import without
from core.console.rendering import EMPTY, copyable, identifier
from core.vault.fields import encrypted_field
from core.vault.keyring import SealedValueError
from feishu.proxies import parse_proxy

BY_CONNECTION = "transport == 'websocket' || callback_transport == 'websocket'"
ROTATION = (*NEXT, "rotation_days", "rotation")


@admin.register(Bot)
class BotAdmin(
    RegistrationPages,
    PeoplePages,
    ChatPages,
    GroupPages,
    ConnectionControls,
    WebhookReadings,
    ChecklistButton,
    BotDeletion,
    ConsoleAdmin[Bot],
):
    form = BotForm
    inlines = (SlotInline,)
    list_display = (
        "name",
        "app_id_shown",
        "platform",
        "connection",
        "events_of_a_day",
        "last_message",
        "enabled_label",
    )
    list_filter = (ConnectedFilter, "enabled", "platform", "transport")
    search_fields = ("name", "app_id")
    search_help_text = _("Name or App ID")
    deferred_in_lists = SECRETS
    warn_unsaved_form = True
    actions = BULK
    actions_row = ("send_card", "check_again", *BUTTONS)
    actions_detail = (
        "send_card",
        {"title": _("Connection"), "icon": "cable", "items": [*BUTTONS]},
        "groups",
        "extend",
        "use_next_secrets",
        "switch_brand",
    )
    change_form_outer_before_template = "admin/bots/bot/above_form.html"
    change_form_before_template = "admin/bots/bot/notices.html"
    list_before_template = "admin/bots/bot/live.html"
    conditional_fields = {
        "open_url": "platform == 'custom'",
        "accounts_url": "platform == 'custom'",
        "browser_url": "platform == 'custom'",
        "slot_count": BY_CONNECTION,
        "connect": BY_CONNECTION,
        "at_platform": BY_CONNECTION,
        "webhook_url": "transport == 'webhook' || callback_transport == 'webhook'",
    }
    empty_title = _("No bots yet")
    empty_text = _("Add a bot by QR code, or with the App ID and App Secret of an app.")

    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "app_id",
                    "platform",
                    "open_url",
                    "accounts_url",
                    "browser_url",
                    "token_endpoint",
                    "enabled",
                ),
                "description": _(
                    "The App ID stays as it is, since another App ID is another bot: if it was typed wrongly, delete this bot "
                    "and add it again. "
                    "A change of platform, addresses, token endpoint or proxy needs the App Secret again. With another "
                    "platform or another address, everybody who authorized this bot has to authorize it again: their tokens "
                    "are not sent to the new one."
                ),
            },
        ),
        (
            _("Credentials"),
            {
                "fields": KEYS,
                "description": _(
                    "Stored encrypted and never shown again. Leave a field empty to keep what is stored."
                ),
            },
        ),
        (
            _("Rotation of Encrypt Key and Verification Token"),
            {
                "fields": ROTATION,
                "description": _(
                    "For bots whose events arrive by webhook. While the platform changes over to a new Encrypt Key or "
                    "Verification Token, requests with the old and with the new one are accepted, so no event and no click "
                    "is lost."
                ),
            },
        ),
        (
            _("Events"),
            {
                "fields": (
                    "transport",
                    "callback_transport",
                    "slot_count",
                    "connect",
                    "at_platform",
                    "webhook_url",
                    "refused",
                    "stale_after_minutes",
                    "event_retention_days",
                    "handlers_per_second",
                )
            },
        ),
        (_("Network"), {"fields": ("proxy_in_use", "proxy_url")}),
        (
            _("Authorization"),
            {
                "fields": ("redirect_url", "asks_by_device_code", "auth_scopes"),
                "description": _(
                    "Register the redirect URL in the developer console under Security settings, exactly as it stands here."
                ),
            },
        ),
        (_("Groups"), {"fields": ("group_policy", "exceptions", "own_open_id")}),
        (_("Operators"), {"fields": ("owners",)}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "app_id", "platform", "open_url", "accounts_url", "browser_url")}),
        (
            _("Credentials"),
            {
                "fields": KEYS,
                "description": _("Stored encrypted and never shown again."),
            },
        ),
        (_("Events"), {"fields": ("transport", "callback_transport", "slot_count")}),
        (_("Network"), {"fields": ("proxy_url",)}),
        (_("Authorization"), {"fields": ("auth_scopes",)}),
    )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the status and the activity of all bots on the page, read at once."""
        changes = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        activities = activity_of(changes.result_list)
        for bot, status in zip(changes.result_list, statuses(changes.result_list), strict=True):
            bot.status = status
            bot.activity = activities.get(bot.pk, Activity())
        return changes

    def get_fieldsets(self, request: HttpRequest, obj: Bot | None = None) -> Any:
        """Without what does not concern the operator or the bot."""
        unfit = set() if operator_of(request).sees_everything else {"owners"}
        if obj and not obj.uses_webhook:
            unfit |= set() if obj.next_secrets else {*ROTATION}
            unfit |= set() if obj.refused_pushes.exists() else {"refused"}
        return without(super().get_fieldsets(request, obj), unfit)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The owners, whom only those are asked for who see every operator."""
        if db_field.name == "owners":
            kwargs |= {
                "form_class": NamedMultipleChoiceField,
                "called": "username",
                "queryset": User.objects.only("username"),
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, _request: HttpRequest, obj: Bot | None = None) -> tuple[str, ...]:
        """The App ID is what the platform and every address know a bot by: another one is another bot."""
        if obj is None:
            return ()
        return (
            "app_id",
            "at_platform",
            "exceptions",
            "own_open_id",
            "proxy_in_use",
            "redirect_url",
            "refused",
            "rotation",
            "webhook_url",
        )

    def get_inlines(self, _request: HttpRequest, obj: Bot | None) -> Any:
        return (SlotInline,) if obj and obj.uses_connection else ()

    def page_context(self, request: HttpRequest, row: Bot) -> dict[str, Any]:  # noqa: ARG002 -- of the interface
        return {
            "notices": _notices(row),
            "badge": live_badge(*statuses([row])),
            "checklist": live_checklist(row),
            "uptime": uptime_bar(row),
        }

    # --- columns and read-only fields

    @column(_("App ID"), ordering="app_id")
    def app_id_shown(self, bot: Bot) -> str:
        return identifier(bot.app_id)

    @column(_("connections"))
    def connection(self, bot: Bot) -> str:
        return live_badge(cast("Any", bot).status)

    @column(_("state"), ordering="enabled")
    def enabled_label(self, bot: Bot) -> str:
        return label(_("Enabled"), "success") if bot.enabled else label(_("Disabled"))

    @column(_("events in 24 hours"))
    def events_of_a_day(self, bot: Bot) -> str:
        return str(cast("Any", bot).activity.events)

    @column(_("last message"))
    def last_message(self, bot: Bot) -> str:
        return str(cast("Any", bot).activity.last_message)

    @column(_("proxy in use"))
    def proxy_in_use(self, bot: Bot) -> str:
        """Where it is, never who signs in there."""
        if not encrypted_field(Bot, "proxy_url").is_set(bot):
            return EMPTY
        try:
            return identifier(parse_proxy(bot.proxy_url).address)
        except (SealedValueError, ValueError):
            return gettext("It cannot be opened; enter it again.")

    @column(_("exceptions for groups"))
    def exceptions(self, bot: Bot) -> str:
        """How many, and the way to them."""
        count = bot.group_exceptions.count() if bot.has_group_exceptions else 0
        words = ngettext("%(count)d group", "%(count)d groups", count) % {"count": count}
        page = reverse("admin:bots_bot_groups", args=[bot.pk])
        link = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>'
        return format_html(link, page, words if count else gettext("None"))

    @column(_("open_id of the bot"))
    def own_open_id(self, bot: Bot) -> str:
        """By which the bot knows that it is mentioned."""
        return (
            identifier(bot.open_id) if bot.open_id else gettext("Not known yet: asked for when it is needed.")
        )

    @column(_("redirect URL"))
    def redirect_url(self, bot: Bot) -> str:
        return copyable(bot.redirect_uri, testid="redirect-url")

    @column(_("connections at the platform"))
    def at_platform(self, bot: Bot) -> str:
        return counted(bot)

    @column(_("request URL"))
    def webhook_url(self, bot: Bot) -> str:
        return copyable(bot.webhook_url, testid="webhook-url")

    @property
    def media(self) -> Media:
        own = Media(css={"all": ["portal/board.css"]}, js=[Script("portal/badges.js", type="module")])  # type: ignore[list-item]  # the stubs know strings alone
        return super().media + own

    # --- writing

    def save_model(self, request: HttpRequest, obj: Bot, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        owners = form.cleaned_data.get("owners")
        user = operator_of(request)
        if not change and not user.sees_everything:
            owners = [user]  # else the bot would be out of sight at once
        save_bot(obj, changed=form.changed_fields, actor=actor_of(request), owners=owners)

    # --- actions

    @button(_("Send authorization card"), icon="how_to_reg", path="send-card", colour="primary")
    def send_card(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        # By address: the page belongs to auth_sessions, which this app must not import.
        return HttpResponseRedirect(f"{reverse('admin:auth_sessions_authsession_ask')}?bot={bot.pk}")

    def fits(self, action: str, row: Bot) -> bool:
        """“Switch brand” is there only where the platform's answers point that way, and of the controls those that fit."""
        match action:
            case "switch_brand":
                return may_be_wrong_brand(row)
            case "use_next_secrets":
                return bool(row.next_secrets)
            case _:
                return super().fits(action, row)

    @button(_("Switch brand"), icon="swap_horiz", path="switch-brand", colour="primary")
    def switch_brand(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        brand = other_brand(bot)
        if brand is None:
            raise Http404
        return switch_page(request, self, bot, brand)


def _notices(bot: Bot) -> list[str]:
    """What an operator should know before the form is read."""
    notices = [*open_incidents(bot), *refusal_notices(bot)]
    brand = other_brand(bot)
    if brand and platform_names_other_brand(bot):
        notices.append(
            gettext(
                "The platform says that this app belongs to %(brand)s. Choose “Switch brand” to set it right."
            )
            % {"brand": brand.label}
        )
    return notices
