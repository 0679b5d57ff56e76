"""The page on which an operator asks people for an authorization."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from auth_sessions.domain.directory import open_id_of
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import Via
from auth_sessions.errors import CANNOT_ASK, PersonUnknownError, TenantNeededError
from auth_sessions.models import AuthSession
from bots.admin.people import PeopleInput
from bots.admin.scope_picker import ScopesInput
from bots.models import Bot
from bots.validators import validate_scope
from core.access.models import User
from core.console.actions import Question, ask, refuse_unless_manager
from core.console.base import ReadOnlyAdmin, actor_of, operator_of
from core.console.fields import LinesField, NamedChoiceField, check_no_blanks
from core.console.people import PeopleAdmin
from core.console.sentences import advice_on
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.scopes import MAX_SCOPES

# The messages of the domain's errors are English, for API clients and logs; operators read these.
REFUSALS = {
    "no_public_url": _(
        "PUBLIC_URL is not set, so a browser could not come back with the answer. Set it and restart the portal, or choose "
        "the device code."
    ),
    "bot_disabled": _("The bot is switched off. Switch it on first."),
    "asked_too_often": _(
        "The person has declined these scopes, or was asked for more often enough for one day. Try again tomorrow."
    ),
    "invalid_scopes": _("The scopes cannot be asked for: between 1 and 50 names of scopes."),
}
MAX_PEOPLE = 50  # cards of one form; the platform allows an app 50 messages a second


class RequestForm(forms.Form):
    """For which bot people are asked, and for what."""

    bot = NamedChoiceField(label=_("Bot"), queryset=Bot.objects.none(), empty_label=None)
    scopes = LinesField(
        label=_("Scopes"),
        required=False,
        check=validate_scope,
        most=MAX_SCOPES,
        widget=ScopesInput,
        help_text=_("One a line. Empty: what the bot asks for by default."),
    )
    why = forms.CharField(
        label=_("Purpose"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Stands on the card, so that people know what they allow it for."),
    )
    via = forms.ChoiceField(
        label=_("Consent"),
        required=False,
        choices=[("", _("Automatic")), *Via.choices],
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "Automatic: the browser if PUBLIC_URL is set and the bot does not ask by device code. With the device code the person confirms on a page of Feishu, "
            "which needs no way back to the portal."
        ),
    )

    def __init__(self, *args: Any, operator: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bots = cast("NamedChoiceField[Bot]", self.fields["bot"])
        bots.queryset = Bot.objects.visible_to(operator).enabled()
        widget = cast("PeopleInput", self.fields["open_ids"].widget)
        widget.bot = bots.chosen(self["bot"].value())


class AskForm(RequestForm):
    """Who is asked for what."""

    field_order = ("bot", "open_ids", "scopes", "why", "via", "once")
    open_ids = LinesField(
        label=_("People"),
        check=check_no_blanks,
        most=MAX_PEOPLE,
        widget=PeopleInput,
        help_text=_(
            "Search by name among the people this bot has to do with; enter a whole e-mail address or phone number to look "
            "others up at Feishu. An open_id, union_id or user_id is accepted as well, one a line."
        ),
    )
    # Sending the same form twice asks once.
    once = forms.UUIDField(widget=forms.HiddenInput)

    def clean_open_ids(self) -> list[str]:
        open_ids: list[str] = self.cleaned_data["open_ids"]
        for open_id in open_ids:
            if len(open_id) > 128:
                raise ValidationError(_("An open_id has no more than 128 characters."))
        return open_ids

    def clean(self) -> dict[str, Any]:
        """The people by the bot's own open_ids of them, each once."""
        cleaned: dict[str, Any] = super().clean() or {}
        bot, people = cleaned.get("bot"), cleaned.get("open_ids")
        if bot is not None and people:
            try:
                cleaned["open_ids"] = list(dict.fromkeys(_open_id_of(bot, person) for person in people))
            except ValidationError as error:
                self.add_error("open_ids", error)
        return cleaned


def _open_id_of(bot: Bot, person: str) -> str:
    """May ask the platform. Raises ValidationError."""
    try:
        return open_id_of(bot=bot, person=person)
    except PersonUnknownError:
        raise ValidationError(
            _("The platform knows nobody as “%(person)s” whom the bot may see."), params={"person": person}
        ) from None
    except TenantNeededError:
        raise ValidationError(
            _("People of several tenants are known as “%(person)s”: enter the open_id."),
            params={"person": person},
        ) from None
    except (FeishuError, SealedValueError) as error:
        raise ValidationError(
            _("“%(person)s” cannot be looked up. %(advice)s"),
            params={"person": person, "advice": advice_on(error)},
        ) from error


class AskingAdmin(PeopleAdmin[AuthSession], ReadOnlyAdmin[AuthSession]):
    """Adds the page ``ask/`` to the sessions."""

    def get_urls(self) -> list[URLPattern]:
        page = path("ask/", self.admin_site.admin_view(self.ask_view), name="auth_sessions_authsession_ask")
        return [page, *super().get_urls()]

    def ask_view(self, request: HttpRequest) -> HttpResponseBase:
        """Asks people for an authorization; ``bot``, ``open_id`` and ``scope`` in the address fill the form in."""
        operator = operator_of(request)
        refuse_unless_manager(request)
        if request.method != "POST":
            filled = {
                "bot": request.GET.get("bot"),
                "open_ids": request.GET.getlist("open_id"),
                "scopes": request.GET.getlist("scope"),
                "once": uuid.uuid4(),
            }
            form = AskForm(operator=operator, initial=filled)
        else:
            form = AskForm(request.POST, operator=operator)
            if form.is_valid() and self._ask(request, form):
                chosen = urlencode({"bot__id__exact": form.cleaned_data["bot"].pk})
                return HttpResponseRedirect(
                    f"{reverse('admin:auth_sessions_authsession_changelist')}?{chosen}"
                )
        return ask(
            request,
            self,
            Question(
                title=_("Ask for authorization"),
                text=_(
                    "Each person gets a card from the bot. The link on it works for that person alone, and once."
                ),
                submit=_("Send cards"),
            ),
            form=form,
        )

    def _ask(self, request: HttpRequest, form: AskForm) -> bool:
        """Whether all people could be asked; a message says why not."""
        asked = form.cleaned_data
        sent = 0
        for open_id in asked["open_ids"]:
            try:
                request_authorization(
                    bot=asked["bot"],
                    open_id=open_id,
                    actor=actor_of(request),
                    scopes=asked["scopes"] or None,
                    why=asked["why"],
                    via=Via(asked["via"]) if asked["via"] else None,
                    request_key=f"console:{asked['once']}:{open_id}"[:200],
                )
            except CANNOT_ASK as error:
                self.message_user(request, str(REFUSALS.get(error.code, error)), messages.ERROR)
                break
            sent += 1
        if sent:
            words = ngettext(
                "The card is on its way to %(count)d person.",
                "The cards are on their way to %(count)d people.",
                sent,
            )
            self.message_user(request, words % {"count": sent}, messages.SUCCESS)
        return sent == len(asked["open_ids"])


def ask_page(bot: Bot, open_id: str, scopes: list[str]) -> HttpResponseRedirect:
    """To the form, with bot, person and scopes filled in."""
    return HttpResponseRedirect(ask_address(bot, open_id, scopes))


def ask_address(bot: Bot, open_id: str, scopes: list[str]) -> str:
    """Of the form, with bot, person and scopes filled in."""
    filled = urlencode({"bot": str(bot.pk), "open_id": open_id, "scope": scopes}, doseq=True)
    return f"{reverse('admin:auth_sessions_authsession_ask')}?{filled}"
