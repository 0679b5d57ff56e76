"""Connecting, disconnecting and the other controls of how a bot receives events: as buttons and for many at once.

A button changes what should be; the fleet follows within seconds, and the connections' page shows it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.connections.control import connect, disconnect, switch_transport
from bots.enums import Transport
from bots.errors import BotNotFound, WebhookUnprotected
from bots.models import Bot
from bots.service import set_enabled
from core.console.actions import Question, Words, ask_about, button, confirmed, is_confirmed
from core.console.base import ConsoleAdmin, actor_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    Base = ConsoleAdmin[Bot]
else:
    Base = object

BULK = ("switch_on", "switch_off", "connect_all", "disconnect_all", "reconnect_all")
BUTTONS = ("reconnect", "connect", "disconnect", "switch_transport", "toggle")

DISCONNECTING = _(
    "The bot receives no events until it is connected again. Sending messages, and what users have authorized, goes on "
    "working. The platform keeps the events of the meantime for a few hours only."
)
SWITCHING_OFF = _(
    "Its connections close. The platform keeps the events of the meantime for a few hours only."
)


class ConnectionControls(Base):
    """The part of the bots' admin that controls their connections."""

    # --- one bot

    def fits(self, action: str, row: Bot) -> bool:
        """Of the controls those that would change anything about the bot."""
        match action:
            case "connect":
                return row.enabled and row.uses_connection and not row.connect
            case "disconnect" | "reconnect":
                return row.enabled and row.uses_connection and row.connect
            case _:
                return super().fits(action, row)

    def action_title(self, action: str, row: Bot, title: Words) -> Words:
        match action:
            case "toggle":
                return _("Switch off") if row.enabled else _("Switch on")
            case "switch_transport":
                is_connected = row.transport == Transport.WEBSOCKET
                return _("Switch to webhook") if is_connected else _("Switch to long connection")
            case _:
                return super().action_title(action, row, title)

    @button(_("Reconnect"), icon="sync", path="reconnect")
    @confirmed(
        lambda bot: Question(
            title=_("Reconnect %(name)s") % {"name": bot.name},
            text=_("Its connections are closed and opened again within a few seconds."),
            submit=_("Reconnect"),
        )
    )
    def reconnect(self, request: HttpRequest, bot: Bot) -> None:
        self._tell(request, bot, connect, _("The connections are being opened again."))

    @button(_("Connect"), icon="link", path="connect")
    @confirmed(
        lambda bot: Question(
            title=_("Connect %(name)s") % {"name": bot.name},
            text=_("Its connections open within a few seconds."),
            submit=_("Connect"),
        )
    )
    def connect(self, request: HttpRequest, bot: Bot) -> None:
        self._tell(request, bot, connect, _("The connections are being opened."))

    @button(_("Disconnect"), icon="link_off", path="disconnect")
    @confirmed(
        lambda bot: Question(
            title=_("Disconnect %(name)s") % {"name": bot.name},
            text=DISCONNECTING,
            submit=_("Disconnect"),
            danger=True,
        )
    )
    def disconnect(self, request: HttpRequest, bot: Bot) -> None:
        self._tell(request, bot, disconnect, _("The connections are being closed."))

    def _tell(self, request: HttpRequest, bot: Bot, verb: Callable[..., None], done: Any) -> None:
        try:
            verb([bot], actor=actor_of(request))
        except BotNotFound:
            self.message_user(
                request, _("The bot is switched off or has no long connections."), messages.ERROR
            )
        else:
            self.message_user(request, done, messages.SUCCESS)

    @button(_("Switch transport"), icon="swap_horiz", path="switch-transport")
    @confirmed(
        lambda bot: _to_webhook(bot) if bot.transport == Transport.WEBSOCKET else _to_long_connection(bot)
    )
    def switch_transport(self, request: HttpRequest, bot: Bot) -> None:
        to_webhook = bot.transport == Transport.WEBSOCKET
        transport = Transport.WEBHOOK if to_webhook else Transport.WEBSOCKET
        try:
            switch_transport(bot, transport=transport, actor=actor_of(request))
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

    @button(_("Switch on or off"), icon="power_settings_new", path="toggle")
    @confirmed(lambda bot: _switching_off(bot) if bot.enabled else _switching_on(bot))
    def toggle(self, request: HttpRequest, bot: Bot) -> None:
        self._switch(request, [bot], enabled=not bot.enabled)

    # --- many bots

    @admin.action(description=_("Connect"))
    def connect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        able = _able(bots.filter(connect=False))
        connect(able, actor=actor_of(request))
        words = ngettext(
            "%(count)d bot is being connected.", "%(count)d bots are being connected.", len(able)
        )
        self.message_user(request, words % {"count": len(able)}, messages.SUCCESS)

    @admin.action(description=_("Disconnect"))
    def disconnect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> HttpResponseBase | None:
        able = _able(bots.filter(connect=True))
        count = {"count": len(able)}
        if able and not is_confirmed(request):
            question = Question(
                title=ngettext("Disconnect %(count)d bot", "Disconnect %(count)d bots", len(able)) % count,
                text=DISCONNECTING,
                submit=_("Disconnect"),
                danger=True,
            )
            return ask_about(request, self, question, action="disconnect_all", rows=able)
        disconnect(able, actor=actor_of(request))
        words = ngettext(
            "%(count)d bot is being disconnected.", "%(count)d bots are being disconnected.", len(able)
        )
        self.message_user(request, words % count, messages.SUCCESS)
        return None

    @admin.action(description=_("Reconnect"))
    def reconnect_all(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        able = _able(bots.filter(connect=True))
        connect(able, actor=actor_of(request))
        words = ngettext(
            "%(count)d bot is being reconnected.", "%(count)d bots are being reconnected.", len(able)
        )
        self.message_user(request, words % {"count": len(able)}, messages.SUCCESS)

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, bots: "QuerySet[Bot]") -> None:
        self._switch(request, list(bots.filter(enabled=False)), enabled=True)

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, bots: "QuerySet[Bot]") -> HttpResponseBase | None:
        chosen = list(bots.filter(enabled=True))
        if chosen and not is_confirmed(request):
            count = {"count": len(chosen)}
            question = Question(
                title=ngettext("Switch off %(count)d bot", "Switch off %(count)d bots", len(chosen)) % count,
                text=SWITCHING_OFF,
                submit=_("Switch off"),
                danger=True,
            )
            return ask_about(request, self, question, action="switch_off", rows=chosen)
        self._switch(request, chosen, enabled=False)
        return None

    def _switch(self, request: HttpRequest, bots: list[Bot], *, enabled: bool) -> None:
        set_enabled(bots, enabled=enabled, actor=actor_of(request))
        words = (
            ngettext("%(count)d bot switched on.", "%(count)d bots switched on.", len(bots))
            if enabled
            else ngettext("%(count)d bot switched off.", "%(count)d bots switched off.", len(bots))
        )
        self.message_user(request, words % {"count": len(bots)}, messages.SUCCESS)


def _able(bots: "QuerySet[Bot]") -> list[Bot]:
    """Those that can have connections."""
    return [bot for bot in bots.filter(enabled=True) if bot.uses_connection]


def _to_webhook(bot: Bot) -> Question:
    return Question(
        title=_("Switch %(name)s to webhook") % {"name": bot.name},
        text=_what_to_enter(bot),
        submit=_("Switch to webhook"),
        danger=True,
    )


def _what_to_enter(bot: Bot) -> str:
    if not bot.webhook_url:
        return gettext(
            "PUBLIC_URL is not set: the platform has no address at which it could reach this portal."
        )
    return gettext(
        "The connections close. Enter %(address)s as request URL in the developer console, on the event and on the "
        "callback tab; until then the bot receives no events."
    ) % {"address": bot.webhook_url}


def _to_long_connection(bot: Bot) -> Question:
    return Question(
        title=_("Switch %(name)s to long connection") % {"name": bot.name},
        text=_(
            "The connections open within a few seconds. Then choose “Receive events through a persistent connection” in "
            "the developer console, on the event and on the callback tab: it lets you only while one is open."
        ),
        submit=_("Switch to long connection"),
    )


def _switching_off(bot: Bot) -> Question:
    return Question(
        title=_("Switch off %(name)s") % {"name": bot.name},
        text=SWITCHING_OFF,
        submit=_("Switch off"),
        danger=True,
    )


def _switching_on(bot: Bot) -> Question:
    return Question(
        title=_("Switch on %(name)s") % {"name": bot.name},
        text=_("Its connections open within a few seconds."),
        submit=_("Switch on"),
    )
