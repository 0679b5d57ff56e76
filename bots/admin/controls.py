"""Connecting, disconnecting and the other ways to say how a bot shall hear: as buttons and for many at once.

A button changes what should be; the fleet follows within seconds, and the connections' page shows it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.domain.connections import connect, disconnect, switch_transport
from bots.enums import Transport
from bots.errors import BotNotFound, WebhookUnprotected
from bots.models import Bot
from feishu_portal.access.actors import Actor
from feishu_portal.access.admin.actions import ask, button
from feishu_portal.access.admin.base import ConsoleAdmin, operator_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    Base = ConsoleAdmin[Bot]
else:
    Base = object

BULK = ("connect_all", "disconnect_all", "reconnect_all")
BUTTONS = ("reconnect", "connect", "disconnect", "switch_transport")


class ConnectionControls(Base):
    """The part of the bots' admin that controls their connections."""

    # --- one bot

    @button(_("Reconnect"), icon="sync", path="reconnect")
    def reconnect(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method != "POST":
            return ask(
                request,
                self,
                row=bot,
                title=_("Reconnect %(name)s") % {"name": bot.name},
                text=_("Its connections are closed and opened again within a few seconds."),
                submit=_("Reconnect"),
            )
        self._tell(request, bot, connect, _("The connections are being opened again."))
        return _back(request, bot)

    @button(_("Connect"), icon="link", path="connect")
    def connect(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method != "POST":
            return ask(
                request,
                self,
                row=bot,
                title=_("Connect %(name)s") % {"name": bot.name},
                text=_("Its connections open within a few seconds."),
                submit=_("Connect"),
            )
        self._tell(request, bot, connect, _("The connections are being opened."))
        return _back(request, bot)

    @button(_("Disconnect"), icon="link_off", path="disconnect")
    def disconnect(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method != "POST":
            return ask(
                request,
                self,
                row=bot,
                title=_("Disconnect %(name)s") % {"name": bot.name},
                text=_(
                    "The bot hears nothing until somebody connects it again. What it still has to say, and what users "
                    "have authorized, goes on working. Events that arrive meanwhile are kept by the platform for a few "
                    "hours only."
                ),
                submit=_("Disconnect"),
                danger=True,
            )
        self._tell(request, bot, disconnect, _("The connections are being closed."))
        return _back(request, bot)

    @button(_("Switch transport"), icon="swap_horiz", path="switch-transport")
    def switch_transport(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        to_webhook = bot.transport == Transport.WEBSOCKET
        if request.method != "POST":
            return ask(
                request,
                self,
                row=bot,
                title=(
                    _("Switch %(name)s to webhook") if to_webhook else _("Switch %(name)s to long connection")
                )
                % {"name": bot.name},
                text=_what_to_do(bot, to_webhook=to_webhook),
                submit=_("Switch to webhook") if to_webhook else _("Switch to long connection"),
                danger=True,
            )
        transport = Transport.WEBHOOK if to_webhook else Transport.WEBSOCKET
        try:
            switch_transport(bot, transport=transport, actor=Actor.operator(operator_of(request)))
        except WebhookUnprotected:
            text = _(
                "Set an Encrypt Key or a Verification Token first: without one the portal refuses every request, "
                "since anybody could have sent it."
            )
            self.message_user(request, text, messages.ERROR)
        else:
            self.message_user(
                request,
                _("Events now arrive by webhook.") if to_webhook else _("The connections are being opened."),
                messages.SUCCESS,
            )
        return _back(request, bot)

    def _tell(self, request: HttpRequest, bot: Bot, verb: Callable[..., None], done: Any) -> None:
        try:
            verb(bot, actor=Actor.operator(operator_of(request)))
        except BotNotFound:
            self.message_user(
                request, _("The bot is switched off or has no long connections."), messages.ERROR
            )
        else:
            self.message_user(request, done, messages.SUCCESS)

    # --- many bots

    @admin.action(description=_("Connect"))
    def connect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        count = self._tell_all(request, bots.filter(connect=False), connect)
        words = ngettext("%(count)d bot is being connected.", "%(count)d bots are being connected.", count)
        self.message_user(request, words % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Disconnect"))
    def disconnect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        count = self._tell_all(request, bots.filter(connect=True), disconnect)
        words = ngettext(
            "%(count)d bot is being disconnected.", "%(count)d bots are being disconnected.", count
        )
        self.message_user(request, words % {"count": count}, messages.SUCCESS)

    @admin.action(description=_("Reconnect"))
    def reconnect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        count = self._tell_all(request, bots.filter(connect=True), connect)
        words = ngettext(
            "%(count)d bot is being reconnected.", "%(count)d bots are being reconnected.", count
        )
        self.message_user(request, words % {"count": count}, messages.SUCCESS)

    def _tell_all(self, request: HttpRequest, bots: "QuerySet[Bot]", verb: Callable[..., None]) -> int:
        """Those that can have connections; how many there were."""
        actor = Actor.operator(operator_of(request))
        able = list(bots.filter(enabled=True, transport=Transport.WEBSOCKET))
        for bot in able:
            verb(bot, actor=actor)
        return len(able)


def _what_to_do(bot: Bot, *, to_webhook: bool) -> str:
    if not to_webhook:
        return gettext(
            "The connections open within a few seconds. Then choose “Receive events through a persistent connection” in "
            "the developer console, on the event and on the callback tab: it lets you only while one is open."
        )
    address = f"{settings.PUBLIC_URL}/api/feishu/webhook/{bot.app_id}" if settings.PUBLIC_URL else ""
    if not address:
        return gettext(
            "PUBLIC_URL is not set: the platform has no address at which it could reach this portal."
        )
    return gettext(
        "The connections close. Enter %(address)s as request URL in the developer console, on the event and on the "
        "callback tab; until then the bot hears nothing."
    ) % {"address": address}


def inapplicable(bot: Bot) -> set[str]:
    """The paths of buttons that would change nothing about this bot."""
    if not bot.enabled or bot.transport != Transport.WEBSOCKET:
        return {"connect", "disconnect", "reconnect"}
    return {"connect"} if bot.connect else {"disconnect", "reconnect"}


def back_to(request: HttpRequest) -> str:
    """The page that an action was started from, if it was the one with all connections."""
    return reverse("connections") if request.GET.get("back") == "board" else ""


def _back(request: HttpRequest, bot: Bot) -> HttpResponseRedirect:
    return HttpResponseRedirect(back_to(request) or reverse("admin:bots_bot_change", args=[bot.pk]))
