"""The way of an operator to the platform and back: to sign in, and to link the account by which they will."""

import re
from typing import Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from auth_sessions.domain.operator_sign_in import (
    AccountTakenError,
    Finished,
    SignInOutcome,
    begin,
    finish,
    link_for,
    sign_in_bot,
    unlink,
)
from auth_sessions.pages.prefetch import private
from auth_sessions.pages.words import Page, context
from bots.admin.people import PeopleInput
from bots.models import Bot, Person
from core.access.models import SignInMethod, User
from core.access.pages.confirmation import confirmed
from core.access.second_factors.policy import has_factor
from core.access.second_factors.sign_in import begin as begin_second_step
from core.access.sessions import begun, own_key
from core.access.sign_in import remember_device, sign_in
from core.console.actions import Question, ask
from core.console.base import actor_of, operator_of
from core.console.fields import LinesField, check_no_blanks
from core.console.next_page import next_page
from core.log_context import add_to_request
from core.remote_address import address_of

OPEN_ID: Final = re.compile(r"ou_\w{1,120}", re.ASCII)
_AGAIN: Final = _("Go back to the sign-in page and begin again there.")
PAGES: Final = {
    SignInOutcome.UNKNOWN: Page(
        400,
        "bad",
        _("This answer is not valid"),
        _("It was used already, came too late, or belongs to another browser."),
        _AGAIN,
    ),
    SignInOutcome.DENIED: Page(200, "neutral", _("Sign-in declined"), _("You declined in Feishu."), _AGAIN),
    SignInOutcome.STRANGER: Page(
        403,
        "bad",
        _("No operator signs in with this account"),
        _("An operator links their Feishu account once, on the page Sign-in and security."),
        _("Sign in with your password first. If you have no account here, ask an administrator for one."),
    ),
    SignInOutcome.TAKEN: Page(
        409,
        "bad",
        _("This account belongs to another operator"),
        _("One Feishu account signs in as one operator. Nothing was changed."),
        _("The other operator, or an administrator, can unlink it."),
    ),
    SignInOutcome.PLATFORM_ERROR: Page(
        502,
        "bad",
        _("Feishu did not confirm who you are"),
        _("The platform refused, or could not be reached. The log of the portal says why."),
        _("Try again in a moment, or sign in with your password."),
    ),
    SignInOutcome.BUSY: Page(
        429, "neutral", _("Signing in has to wait"), _("Many people are signing in right now."), _AGAIN
    ),
}


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """To the platform's page, to sign in."""
    return _to_platform(request, next_page(request), None)


@require_POST
@confirmed
def link(request: HttpRequest) -> HttpResponse:
    """To the platform's page, to link the account of the operator who is signed in."""
    return _to_platform(request, next_page(request, "security"), operator_of(request))


@require_POST
@confirmed
def unlink_own(request: HttpRequest) -> HttpResponse:
    """The account signs nobody in any more."""
    if unlink(operator_of(request), actor=actor_of(request)):
        messages.success(request, _("The Feishu account is unlinked."))
    return redirect("security")


@require_POST
@confirmed
def unlink_operator(request: HttpRequest, user_id: int) -> HttpResponse:
    """The same for another operator, by an administrator."""
    user = User.objects.filter(pk=user_id).first() if operator_of(request).is_superuser else None
    if user is None:
        raise Http404
    if unlink(user, actor=actor_of(request)):
        messages.success(request, _("The Feishu account is unlinked."))
    return redirect("operator-security", user.pk)


class LinkForm(forms.Form):
    """Who signs in as the operator, among the people of the bot through which operators sign in."""

    bot = forms.CharField(widget=forms.HiddenInput, disabled=True)
    open_id = LinesField(
        label=_("Person"),
        check=check_no_blanks,
        most=1,
        widget=PeopleInput,
        help_text=_("Search by name among the people this bot has to do with, or enter an open_id."),
    )

    def __init__(self, data: Any, *, bot: Bot) -> None:
        super().__init__(data, initial={"bot": str(bot.pk)})
        cast("PeopleInput", self.fields["open_id"].widget).bot = bot

    def clean_open_id(self) -> str:
        [open_id] = self.cleaned_data["open_id"]
        if not OPEN_ID.fullmatch(open_id):
            raise ValidationError(_("An open_id begins with ou_."))
        return str(open_id)


@confirmed
def link_operator(request: HttpRequest, user_id: int) -> HttpResponse:
    """The page where an administrator names the Feishu account that signs in as another operator."""
    user = User.objects.filter(pk=user_id).first() if operator_of(request).is_superuser else None
    bot = sign_in_bot()
    if user is None or bot is None:
        raise Http404
    form = LinkForm(request.POST or None, bot=bot)
    if form.is_valid() and _link(request, user, bot, form):
        return redirect("operator-security", user.pk)
    question = Question(
        title=_("Link a Feishu account"),
        text=_(
            "Whoever signs in to Feishu as this person comes into the console as %(name)s, without a password."
        )
        % {"name": user.get_username()},
        submit=_("Link the account"),
    )
    return ask(request, admin.site.get_model_admin(User), question, form=form, row=user)


def _link(request: HttpRequest, user: User, bot: Bot, form: LinkForm) -> bool:
    open_id = form.cleaned_data["open_id"]
    person = Person.objects.filter(bot=bot, open_id=open_id).first()
    try:
        link_for(user, bot=bot, open_id=open_id, name=str(person) if person else "", actor=actor_of(request))
    except AccountTakenError:
        form.add_error("open_id", str(PAGES[SignInOutcome.TAKEN].title))
        return False
    messages.success(request, _("The Feishu account is linked."))
    return True


def _to_platform(request: HttpRequest, page: str, user: User | None) -> HttpResponse:
    bot = sign_in_bot()
    if bot is None:
        raise Http404
    return private(HttpResponseRedirect(begin(bot, session=begun(request), page=page, user=user)))


def callback(request: HttpRequest, app_id: str) -> HttpResponse:
    """Take the platform's answer."""
    finished = finish(
        app_id=app_id,
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        session=own_key(request),
        signed_in=request.user if isinstance(request.user, User) else None,
        address=address_of(request),
    )
    add_to_request(outcome=finished.outcome.value)
    if finished.outcome == SignInOutcome.LINKED:
        messages.success(request, _("Your Feishu account is linked: you can sign in with it."))
        return private(redirect(finished.page))
    if finished.outcome == SignInOutcome.SIGNED_IN and finished.user is not None:
        return private(_signed_in(request, finished.user, finished))
    page = PAGES[finished.outcome]
    return private(render(request, "auth_sessions/outcome.html", context(page), status=page.status))


def _signed_in(request: HttpRequest, user: User, finished: Finished) -> HttpResponse:
    """The account stands for the password: who has a second factor gives it as well."""
    if has_factor(user):
        begin_second_step(request, user, method=SignInMethod.FEISHU, page=finished.page)
        return redirect("second-step")
    sign_in(request, user, method=SignInMethod.FEISHU)
    response = redirect(finished.page)
    remember_device(request, response)
    return response
