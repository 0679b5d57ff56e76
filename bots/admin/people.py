"""People of a bot, as pages ask for them: by name in lists, and in the picker of forms that ask for a person."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.utils import unquote
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.urls import path, reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.admin.picker import BotPicker
from bots.errors import BotDisabledError, LookupBusyError
from bots.models import Bot, Person, PersonPicture
from bots.people.address import find_by_address, is_address
from bots.people.directory import KnownPerson, PersonRef, names_of, people_called
from bots.people.lookup import want
from core.access.models import User
from core.console.actions import refuse_unless_manager
from core.console.base import ConsoleAdmin, operator_of
from core.console.people import PeopleSource, described, register
from core.console.sentences import advice_on
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.pictures import media_type

if TYPE_CHECKING:
    from django.forms import Textarea

    Base = ConsoleAdmin[Bot]
else:
    Base = object
    Textarea = UnfoldAdminTextareaWidget

OFFERED: Final = 20
"""People that the picker shows for what was typed."""
LOOKUP_ERRORS: Final = (LookupBusyError, BotDisabledError, FeishuError, SealedValueError)
"""What a look-up raises that a page has words for."""
PICTURE_SECONDS: Final = 7 * 86_400
"""For so long a browser need not ask for a picture again: its address changes with it."""


def names_on_page(people: Collection[PersonRef]) -> dict[PersonRef, KnownPerson]:
    """Who these are. The platform is asked in the background for those of whom nothing is known, or nothing new."""
    known = names_of(people)
    want(person for person in people if person not in known or known[person].is_due)
    return known


def found_by(operator: User, text: str) -> list[PersonRef]:
    """People of the operator's bots who are called so."""
    found = people_called(text, among=Person.objects.visible_to(operator))
    return [(person.bot_id, person.open_id) for person in found]


def picture_address(digest: str) -> str:
    """Where the console has a picture."""
    return reverse("admin:bots_bot_picture", args=[digest])


def page_address(pk: int) -> str:
    """Where the console has the page of a person."""
    return reverse("admin:bots_person_change", args=[pk])


register(PeopleSource(names=names_on_page, found=found_by, address=picture_address, page=page_address))


class PeopleInput(BotPicker, Textarea):
    """Lines of ids, which a script turns into a picker: people of the chosen bot by name, others by e-mail address or phone
    number. Without scripts there are the lines alone. ``bot``: for the names of people who are in the list already."""

    template_name = "bots/people.html"
    script = "portal/people.js"
    view = "admin:bots_bot_people"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        ids = str(context["widget"]["value"] or "").split()
        known = names_of((self.bot.pk, open_id) for open_id in ids) if self.bot else {}
        context["names"] = {open_id: described(open_id, person) for (_bot, open_id), person in known.items()}
        return context


class PeoplePages(Base):
    """The part of the bots' admin that the picker asks."""

    def get_urls(self) -> Any:
        people = self.admin_site.admin_view(self.people_view)
        picture = self.admin_site.admin_view(self.picture_view, cacheable=True)
        return [
            path("picture/<slug:digest>/", picture, name="bots_bot_picture"),
            path("<path:object_id>/people/", people, name="bots_bot_people"),
            *super().get_urls(),
        ]

    def picture_view(self, request: HttpRequest, digest: str) -> HttpResponseBase:
        """The picture of one of the operator's people, by its digest."""
        mine = PersonPicture.objects.visible_to(operator_of(request))
        picture = mine.filter(digest=digest).first()
        if picture is None:
            raise Http404
        content = bytes(picture.content)
        response = HttpResponse(content, content_type=media_type(content))
        response["Cache-Control"] = f"private, max-age={PICTURE_SECONDS}, immutable"
        response["ETag"] = etag = f'"{digest}"'
        return get_conditional_response(request, etag=etag, response=response) or response

    def people_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """People of a bot who are called ``q``; by POST, who has the e-mail address or phone number ``q`` at the platform."""
        bot = self.visible_or_404(request, unquote(object_id))
        if request.method == "POST":
            refuse_unless_manager(request)
            return _looked_up(request, bot)
        if request.method != "GET":
            return HttpResponseNotAllowed(("GET", "POST"))
        typed = request.GET.get("q", "")
        found = people_called(typed, among=Person.objects.filter(bot=bot), most=OFFERED)
        return _answer(_offers(found), is_address=is_address(typed))


def _looked_up(request: HttpRequest, bot: Bot) -> HttpResponse:
    typed = request.POST.get("q", "").strip()
    if not is_address(typed):
        return _answer([], problem=gettext("Enter a whole e-mail address or phone number."))
    try:
        found = find_by_address(bot, typed, asked_by=operator_of(request).pk)
    except LOOKUP_ERRORS as error:
        return _answer([], problem=why_not_looked_up(error))
    if found is None:
        nobody = gettext("The platform knows nobody as “%(person)s” whom the bot may see.") % {
            "person": typed
        }
        return _answer([], problem=nobody)
    return _answer(_offers([found]))


def why_not_looked_up(error: Exception) -> str:
    """Why the platform was not asked, or did not answer: one of ``LOOKUP_ERRORS``, in the active language."""
    match error:
        case LookupBusyError():
            return gettext("Too much is being looked up already. Try again in a moment.")
        case BotDisabledError():
            return gettext("The bot is switched off. Switch it on first.")
        case FeishuError() | SealedValueError():
            return gettext("The platform could not be asked. %(advice)s") % {"advice": advice_on(error)}
    raise error


def _offers(people: Collection[Person]) -> list[dict[str, Any]]:
    known = names_of((one.bot_id, one.open_id) for one in people)
    return [
        described(one.open_id, person) | {"more": person.email or one.open_id}
        for one in people
        if (person := known.get((one.bot_id, one.open_id)))
    ]


def _answer(people: Iterable[dict[str, Any]], *, is_address: bool = False, problem: str = "") -> HttpResponse:
    response = JsonResponse({"people": list(people), "is_address": is_address, "problem": problem})
    response["Cache-Control"] = "no-store"
    return response
