"""The page: a picker of agent, bot and person, what to set there, and a test with a key."""

from typing import Any, Final, cast

from asgiref.sync import async_to_sync
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from auth_sessions.domain.agents.access import offer
from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.domain.tokens.decision import is_usable
from auth_sessions.errors import AuthError
from bots.admin.people import PeopleInput
from bots.models import Bot
from core.access.models import User
from core.console.base import operator_of
from core.console.fields import LinesField, NamedChoiceField
from core.console.rendering import copyable_block, text_block
from feishu_portal.connect_agent.connection_test import ConnectionTest, try_connection
from feishu_portal.connect_agent.kinds import AgentPlace, Kind, Words, steps

REFUSALS: Final = {
    "caller_unauthenticated": _("The portal does not accept this key: it is wrong, disabled or expired."),
    "not_found": _("The key may not use this bot."),
    "not_permitted": _("The agent is connected for another bot or person."),
    "invalid_request": _("The person is no open_id, union_id, user_id or e-mail address."),
}
_FAILED: Final = _("The portal could not answer; its log says why.")


class PickForm(forms.Form):
    """Nothing has to be chosen."""

    kind = forms.ChoiceField(
        label=_("Agent"), choices=Kind.choices, required=False, widget=UnfoldAdminSelectWidget
    )
    bot = NamedChoiceField(label=_("Bot"), queryset=Bot.objects.none(), required=False)
    person = LinesField(
        label=_("Acts for"),
        check=RegexValidator(r"^[0-9A-Za-z_.+@-]{1,128}\Z"),
        most=1,
        rows=1,
        required=False,
        widget=PeopleInput,
        help_text=_("open_id, union_id, user_id or e-mail address; empty to act as the bot."),
    )

    def __init__(self, data: Any, *, user: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        bots = cast("NamedChoiceField[Bot]", self.fields["bot"])
        bots.queryset = Bot.objects.visible_to(user).order_by("name")
        cast("PeopleInput", self.fields["person"].widget).bot = bots.chosen(self["bot"].value())

    def clean_person(self) -> str:
        """Empty to act as the bot."""
        return "".join(self.cleaned_data["person"])


class KeyForm(forms.Form):
    key = forms.CharField(
        label=_("API key"),
        max_length=200,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("It is used for this test and kept nowhere."),
    )


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("key")
def page(request: HttpRequest) -> HttpResponse:
    """GET shows what to set, POST tests a key. What was picked stands in the address."""
    user = operator_of(request)
    only = None if request.GET else _only_bot(user)
    pick = PickForm(request.GET or None, user=user, initial={"bot": only})
    picked: dict[str, Any] = pick.cleaned_data if pick.is_valid() else {}
    kind, bot, person = (
        Kind(picked.get("kind") or Kind.CLAUDE_CODE),
        picked.get("bot", only),
        picked.get("person", ""),
    )
    place = AgentPlace(
        portal=settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}",
        bot=bot,
        person=person,
        by_oauth=offer() is not None,
    )
    key_form = KeyForm(request.POST if request.method == "POST" else None)
    result = None
    if request.method == "POST" and key_form.is_valid():
        test = async_to_sync(try_connection)(
            key=key_form.cleaned_data["key"],
            bot=bot.app_id if bot else "",
            person=person,
            host=request.get_host(),
        )
        result = _in_words(test, bot, person)
        key_form = KeyForm()
    context = {
        **admin.site.each_context(request),
        "title": _("Connect an agent"),
        "media": pick.media,
        "pick": pick,
        "kind": kind,
        "steps": [(step.text, copyable_block(text_block(step.block))) for step in steps(kind, place)],
        "by_oauth": place.by_oauth,
        "may_add_key": user.has_perm("access.add_apiclient"),
        "key_form": key_form,
        "result": result,
    }
    response = TemplateResponse(request, "admin/agents/connect.html", context)
    add_never_cache_headers(response)
    return response


def _only_bot(user: User) -> Bot | None:
    """The one to begin with, where there is no choice."""
    bots = Bot.objects.visible_to(user)[:2]
    return bots[0] if len(bots) == 1 else None


def _in_words(test: ConnectionTest, bot: Bot | None, person: str) -> dict[str, Any]:
    """Each line of the result: whether it is good, and what it says."""
    if test.refusal:
        return {"lines": [(False, REFUSALS.get(test.refusal, _FAILED))], "tools": []}
    tools = [name for name in test.tools if name != "who_am_i"]
    lines: list[tuple[bool, Words]] = [
        (True, _("The key is good, and the endpoint answers: %(server)s.") % {"server": test.server})
    ]
    if tools:
        lines.append((True, _("The agent is shown %(count)d tools.") % {"count": len(test.tools)}))
    else:
        lines.append((False, _("The key's scopes and path rules open no tool but who_am_i.")))
    if bot and person:
        can_act = _can_act(bot, person)
        words = (
            _("The bot can act for this person.")
            if can_act
            else _("This person has not authorized the bot, or has to again: an agent gets a link for them.")
        )
        lines.append((can_act, words))
    return {"lines": lines, "tools": test.tools}


def _can_act(bot: Bot, person: str) -> bool:
    try:
        grant = find_grant(bot=bot, person=person)
    except AuthError:
        return False
    return is_usable(grant)
