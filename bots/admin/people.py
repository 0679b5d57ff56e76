"""People of a bot, as pages ask for them: by name in lists, and in the picker of forms that ask for a person."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.utils import unquote
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import path, reverse
from django.utils.translation import get_language, gettext
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.errors import BotDisabledError, LookupBusyError
from bots.models import Bot, Person
from bots.people.address import find_by_address, is_address
from bots.people.directory import KnownPerson, PersonRef, names_of, people_called
from bots.people.lookup import want
from core.access.models import User
from core.console.actions import refuse_unless_manager
from core.console.base import ConsoleAdmin, operator_of
from core.console.people import PeopleSource, initials, register
from core.vault.keyring import SealedValueError
from feishu.codes import explain
from feishu.errors import FeishuError
from feishu.reasons import Reason

if TYPE_CHECKING:
    from django.forms import Textarea

    Base = ConsoleAdmin[Bot]
else:
    Base = object
    Textarea = UnfoldAdminTextareaWidget

OFFERED: Final = 20
"""People that the picker shows for what was typed."""


def names_on_page(people: Collection[PersonRef]) -> dict[PersonRef, KnownPerson]:
    """Who these are. The platform is asked in the background for those of whom nothing is known, or nothing new."""
    known = names_of(people)
    want(person for person in people if person not in known or known[person].is_due)
    return known


def found_by(operator: User, text: str) -> list[PersonRef]:
    """People of the operator's bots who are called so."""
    found = people_called(text, among=Person.objects.visible_to(operator))
    return [(person.bot_id, person.open_id) for person in found]


register(PeopleSource(names=names_on_page, found=found_by))


class PeopleInput(Textarea):
    """Lines of ids, which a script turns into a picker: people of the chosen bot by name, others by e-mail address or phone
    number. Without scripts there are the lines alone. ``bot_field``: the name of the form's field with the bot; ``bot``: the
    one that is chosen, if any, for the names of people who are in the list already."""

    template_name = "bots/people.html"
    bot_field = "bot"
    bot: Bot | None = None

    @property
    def media(self) -> Media:
        return Media(js=[Script("portal/people.js", type="module")])  # type: ignore[list-item]  # the stubs know strings alone

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        ids = str(context["widget"]["value"] or "").split()
        known = names_of((self.bot.pk, open_id) for open_id in ids) if self.bot else {}
        context["bot_field"] = self.bot_field
        context["address"] = reverse("admin:bots_bot_people", args=["BOT"])
        context["names"] = {open_id: _called(person) for (_bot, open_id), person in known.items()}
        return context


class PeoplePages(Base):
    """The part of the bots' admin that the picker asks."""

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view(self.people_view)
        return [path("<path:object_id>/people/", view, name="bots_bot_people"), *super().get_urls()]

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
        return _answer([_offer(person) for person in found], is_address=is_address(typed))


def _looked_up(request: HttpRequest, bot: Bot) -> HttpResponse:
    typed = request.POST.get("q", "").strip()
    if not is_address(typed):
        return _answer([], problem=gettext("Enter a whole e-mail address or phone number."))
    try:
        found = find_by_address(bot, typed, asked_by=operator_of(request).pk)
    except LookupBusyError:
        return _answer([], problem=gettext("People are being looked up already. Try again in a moment."))
    except BotDisabledError:
        return _answer([], problem=gettext("The bot is switched off. Switch it on first."))
    except (FeishuError, SealedValueError) as error:
        info = (
            explain(None, Reason.SEALED)
            if isinstance(error, SealedValueError)
            else error.info.for_one_attempt
        )
        language = get_language() or "en"
        words = {"cause": info.cause.in_language(language), "cure": info.cure.in_language(language)}
        return _answer([], problem=gettext("The platform could not be asked. %(cause)s: %(cure)s.") % words)
    if found is None:
        nobody = gettext("The platform knows nobody as “%(person)s” whom the bot may see.") % {
            "person": typed
        }
        return _answer([], problem=nobody)
    return _answer([_offer(found)])


def _offer(person: Person) -> dict[str, str]:
    name = KnownPerson(person.open_id, person.name, person.en_name).called(get_language() or "")
    return {
        "open_id": person.open_id,
        "name": name or person.open_id,
        "more": person.email or person.open_id,
        "initials": initials(name),
    }


def _called(person: KnownPerson) -> dict[str, str]:
    name = person.called(get_language() or "")
    return {"name": name or person.open_id, "initials": initials(name)}


def _answer(people: Iterable[dict[str, str]], *, is_address: bool = False, problem: str = "") -> HttpResponse:
    response = JsonResponse({"people": list(people), "is_address": is_address, "problem": problem})
    response["Cache-Control"] = "no-store"
    return response
