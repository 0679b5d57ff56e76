"""Deleting a bot: a page that says what goes with it, and a name to type before anything does."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from bots.service import delete_bot
from core.console.base import ConsoleAdmin, actor_of
from core.console.paging import MAX_COUNT
from core.database.counts import count_up_to

if TYPE_CHECKING:
    Base = ConsoleAdmin[Bot]
else:
    Base = object

COUNTED = ("events", "auth_sessions", "user_tokens")
"""What goes with a bot and is counted before it goes, by the names of the relations: their models are the apps' above."""


class BotDeletion(Base):
    """The part of the bots' admin that deletes one."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What goes with a bot, in words: naming each of a million events would help nobody."""
        summary = [
            format_html("{} <code>{}</code>", bot.name, bot.app_id) for bot in objs if isinstance(bot, Bot)
        ]
        related = [
            gettext("its connections, which close at once"),
            gettext("its events and their deliveries"),
            gettext("its authorization sessions"),
            gettext("its user tokens; they are not revoked at the platform"),
        ]
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        counts: dict[str, Any] = {str(self.opts.verbose_name_plural): len(summary)}
        for relation in Bot._meta.related_objects:
            if relation.get_accessor_name() in COUNTED:
                rows = relation.related_model._default_manager.filter(
                    **{f"{relation.field.name}__in": list(objs)}
                )
                counts[str(relation.related_model._meta.verbose_name_plural)] = count_up_to(rows, MAX_COUNT)
        return [*summary, related], counts, lacking, []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Asks for the bot's name, by which a person says which one is meant."""
        bot = self.get_object(request, unquote(object_id))
        if bot is not None and request.method == "POST" and self.has_delete_permission(request, bot):
            typed = " ".join(request.POST.get("name", "").split())
            if typed != " ".join(bot.name.split()):
                self.message_user(
                    request, _("That is not the bot's name. Nothing was deleted."), messages.ERROR
                )
                return HttpResponseRedirect(request.path)
        named = {"name_to_type": bot.name} if bot is not None else {}
        response: HttpResponse = super().delete_view(request, object_id, named | (extra_context or {}))
        return response

    def delete_model(self, request: HttpRequest, obj: Bot) -> None:
        delete_bot(obj, actor=actor_of(request))
