"""The picker of forms that ask for a group: by name, among those that the bot is in."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import path
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.admin.people import LOOKUP_ERRORS, why_not_looked_up
from bots.admin.picker import BotPicker
from bots.people.chats import MAX_LISTED, chats_of
from core.console.actions import refuse_unless_manager
from core.console.base import ConsoleAdmin, operator_of

if TYPE_CHECKING:
    from django.forms import TextInput

    from bots.models import Bot

    Base = ConsoleAdmin[Bot]
else:
    Base = object
    TextInput = UnfoldAdminTextInputWidget


class ChatInput(BotPicker, TextInput):
    """A field for a chat_id, which a script turns into a picker of the groups that a bot is in. Without scripts there is the field
    alone. The groups are those of ``bot``, or else of the bot that the form's field chooses."""

    template_name = "bots/chat.html"
    script = "portal/chats.js"
    view = "admin:bots_bot_chats"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["of"] = str(self.bot.pk) if self.bot else ""
        return context


class ChatPages(Base):
    """The part of the bots' admin that the picker asks."""

    def get_urls(self) -> Any:
        chats = self.admin_site.admin_view(self.chats_view)
        return [path("<path:object_id>/chats/", chats, name="bots_bot_chats"), *super().get_urls()]

    def chats_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The groups that a bot is in. By POST: the platform is asked."""
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method != "POST":
            return HttpResponseNotAllowed(("POST",))
        refuse_unless_manager(request)
        answer: dict[str, Any] = {"chats": [], "note": "", "problem": ""}
        try:
            chats = chats_of(bot, asked_by=operator_of(request).pk)
        except LOOKUP_ERRORS as error:
            answer["problem"] = why_not_looked_up(error)
        else:
            answer["chats"] = [
                {"id": chat.chat_id, "name": chat.name or gettext("Group without a name")}
                for chat in chats.listed
            ]
            if not chats.is_all:
                words = gettext("The first %(count)d groups are searched. Enter the ID of any other.")
                answer["note"] = words % {"count": MAX_LISTED}
        response = JsonResponse(answer)
        response["Cache-Control"] = "no-store"
        return response
