"""Authorization sessions and user tokens in the console, and the page that asks people for an authorization."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from auth_sessions.domain.sessions import MAX_SCOPES, cancel_session, request_authorization
from auth_sessions.enums import OPEN_STATES, Deliver, Outcome, Reason, RefreshPhase, SessionState, TokenStatus
from auth_sessions.errors import AuthError
from auth_sessions.hints import hint_card
from auth_sessions.models import AuthSession, RefreshAttempt, UserToken
from bots.models import Bot
from feishu_portal.access.actors import Actor
from feishu_portal.access.admin.actions import ask, button, list_button
from feishu_portal.access.admin.base import MachineWritten, MachineWrittenInline, operator_of
from feishu_portal.access.admin.columns import (
    EMPTY,
    actor,
    ago,
    column,
    explained,
    identifier,
    label,
    state,
    when,
)
from feishu_portal.access.admin.fields import LinesField, check_no_blanks
from feishu_portal.access.admin.filters import VisibleRelatedFilter, YesNoFilter, since
from feishu_portal.access.fields import encrypted_field
from feishu_portal.access.models import User

SESSION_COLOURS = {
    SessionState.PENDING: "info",
    SessionState.SENT: "info",
    SessionState.OPENED: "primary",
    SessionState.AUTHORIZED: "success",
    SessionState.DENIED: "warning",
    SessionState.FAILED: "danger",
}
TOKEN_COLOURS = {
    TokenStatus.ACTIVE: "success",
    TokenStatus.NEEDS_REAUTH: "warning",
    TokenStatus.REVOKED: "",
}
PHASE_COLOURS = {
    RefreshPhase.CLAIMED: "info",
    RefreshPhase.SENDING: "info",
    RefreshPhase.UNCERTAIN: "warning",
    RefreshPhase.STOPPED: "danger",
}
OUTCOME_COLOURS = {
    Outcome.OK: "success",
    Outcome.REJECTED: "warning",
    Outcome.NOT_SENT: "warning",
    Outcome.UNCERTAIN: "warning",
    Outcome.DEAD_USER: "danger",
    Outcome.DEAD_APP: "danger",
}
# The domain's errors speak English to machines; these are their words for people.
REFUSALS = {
    "no_public_url": _(
        "PUBLIC_URL is not set, so a browser could not come back with the answer. Set it and restart the portal."
    ),
    "bot_disabled": _("The bot is switched off. Switch it on first."),
    "invalid_scopes": _("The scopes cannot be asked for: between 1 and 50 names without blanks."),
}
MAX_PEOPLE = 50  # cards of one form; the platform allows an app 50 messages a second


class AskForm(forms.Form):
    """Who is asked for what."""

    bot = forms.ModelChoiceField(
        label=_("Bot"), queryset=Bot.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    open_ids = LinesField(
        label=_("People"),
        check=check_no_blanks,
        most=MAX_PEOPLE,
        help_text=_(
            "The open_id this bot knows each person by, one a line, e.g. ou_84aad35d084aa403a838cf73ee18467."
        ),
    )
    scopes = LinesField(
        label=_("Scopes"),
        required=False,
        check=check_no_blanks,
        most=MAX_SCOPES,
        help_text=_("One a line. Empty: what the bot asks for by default."),
    )
    # Sending the same form twice asks once.
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, operator: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bots = cast("forms.ModelChoiceField[Bot]", self.fields["bot"])
        bots.queryset = Bot.objects.visible_to(operator).enabled()

    def clean_open_ids(self) -> list[str]:
        open_ids: list[str] = self.cleaned_data["open_ids"]
        for open_id in open_ids:
            if len(open_id) > 128:
                raise ValidationError(_("An open_id has no more than 128 characters."))
        return open_ids


class OpenFilter(YesNoFilter):
    title = _("waiting for an answer")
    parameter_name = "open"
    condition = Q(state__in=OPEN_STATES)


@admin.register(AuthSession)
class AuthSessionAdmin(MachineWritten[AuthSession]):
    list_display = ("person", "bot", "state_label", "why", "who_asked", "created", "expires")
    list_filter = (OpenFilter, "state", "reason", since("created_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("open_id__exact", "message_id__exact", "error_log_id__exact")
    search_help_text = _("open_id, message ID or log ID, in full")
    sortable_by = ()
    deferred_in_lists = ("start_token", "code_verifier")
    actions_list = ("ask_people",)
    actions_row = ("update_card", "ask_again", "cancel")
    actions_detail = ("update_card", "ask_again", "cancel")
    fieldsets = (
        (None, {"fields": ("person", "bot", "scopes_shown", "state_label", "why", "problem")}),
        (_("Request"), {"fields": ("who_asked", "delivered", "return_url_shown")}),
        (_("Times"), {"fields": ("created_in_full", "opened", "expires_in_full", "finished")}),
        (_("Card"), {"fields": ("card_message", "card_shows", "card_tries", "card_error")}),
    )
    readonly_fields = (
        "person", "bot", "scopes_shown", "state_label", "why", "problem", "who_asked", "delivered", "return_url_shown",
        "created_in_full", "opened", "expires_in_full", "finished", "card_message", "card_shows", "card_tries",
        "card_error",
    )  # fmt: skip
    empty_title = _("Nobody was asked yet")
    empty_text = _(
        "Somebody writes /auth to a bot, or you send a card yourself with “Ask for authorization”."
    )

    def get_urls(self) -> list[URLPattern]:
        page = path("ask/", self.admin_site.admin_view(self.ask_view), name="auth_sessions_authsession_ask")
        return [page, *super().get_urls()]

    # --- columns and read-only fields

    @column(_("person asked"))
    def person(self, session: AuthSession) -> str:
        return identifier(session.open_id)

    @column(_("state"))
    def state_label(self, session: AuthSession) -> str:
        return state(SessionState(session.state), SESSION_COLOURS)

    @column(_("reason"))
    def why(self, session: AuthSession) -> str:
        return str(Reason(session.reason).label) if session.reason else EMPTY

    @column(_("requested by"))
    def who_asked(self, session: AuthSession) -> str:
        return actor(session.requested_by)

    @column(_("created"))
    def created(self, session: AuthSession) -> str:
        return ago(session.created_at)

    @column(_("expires"))
    def expires(self, session: AuthSession) -> str:
        return ago(session.expires_at) if session.is_open else EMPTY

    @column(_("created"))
    def created_in_full(self, session: AuthSession) -> str:
        return when(session.created_at)

    @column(_("opened"))
    def opened(self, session: AuthSession) -> str:
        return when(session.opened_at)

    @column(_("expires"))
    def expires_in_full(self, session: AuthSession) -> str:
        return when(session.expires_at)

    @column(_("finished"))
    def finished(self, session: AuthSession) -> str:
        return when(session.finished_at)

    @column(_("scopes"))
    def scopes_shown(self, session: AuthSession) -> str:
        return ", ".join(session.scopes)

    @column(_("delivered as"))
    def delivered(self, session: AuthSession) -> str:
        return str(Deliver(session.deliver).label)

    @column(_("return address"))
    def return_url_shown(self, session: AuthSession) -> str:
        return identifier(session.return_url)

    @column(_("error"))
    def problem(self, session: AuthSession) -> str:
        return explained(session.error_code, log_id=session.error_log_id)

    @column(_("card message"))
    def card_message(self, session: AuthSession) -> str:
        return identifier(session.message_id)

    @column(_("card shows"))
    def card_shows(self, session: AuthSession) -> str:
        return state(SessionState(session.card_state), SESSION_COLOURS) if session.card_state else EMPTY

    # --- actions

    def ask_view(self, request: HttpRequest) -> HttpResponseBase:
        """Asks people for an authorization; ``bot``, ``open_id`` and ``scope`` in the address fill the form in."""
        operator = operator_of(request)
        if not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.method != "POST":
            form = AskForm(operator=operator, initial=_asked_for(request))
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
            title=_("Ask for authorization"),
            text=_(
                "Each person gets a card from the bot. The link on it works for that person alone, and once."
            ),
            submit=_("Send cards"),
            form=form,
        )

    def _ask(self, request: HttpRequest, form: AskForm) -> bool:
        """Whether all could be asked; whoever cannot be is named in a message."""
        asked = form.cleaned_data
        sent = 0
        for open_id in asked["open_ids"]:
            try:
                request_authorization(
                    bot=asked["bot"],
                    open_id=open_id,
                    actor=Actor.operator(operator_of(request)),
                    scopes=asked["scopes"] or None,
                    request_key=f"console:{asked['once']}:{open_id}"[:200],
                )
            except AuthError as error:
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

    @button(_("Update card"), icon="refresh", path="update-card")
    def update_card(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        session = self.visible_or_404(request, unquote(object_id))
        back = HttpResponseRedirect(reverse("admin:auth_sessions_authsession_change", args=[session.pk]))
        if request.method != "POST":
            return ask(
                request,
                self,
                row=session,
                title=_("Update card"),
                text=_("Sends the card if it was not sent yet, or changes it to how the session stands now."),
                submit=_("Update card"),
            )
        if session.card_given_up:
            self.message_user(
                request,
                gettext("The platform refused this card for good. Ask the person again."),
                messages.WARNING,
            )
            return back
        hint_card(session.pk)
        self.message_user(request, gettext("The card is being brought up to date."), messages.SUCCESS)
        return back

    @button(_("Ask again"), icon="how_to_reg", path="ask-again")
    def ask_again(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        session = self.visible_or_404(request, unquote(object_id))
        return _ask_page(session.bot, session.open_id, session.scopes)

    @button(_("Cancel request"), icon="cancel", path="cancel", colour="danger")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        session = self.visible_or_404(request, unquote(object_id))
        if request.method != "POST":
            return ask(
                request,
                self,
                row=session,
                title=_("Cancel request"),
                text=_("The link stops working and the card says that the request was withdrawn."),
                submit=_("Cancel request"),
                danger=True,
            )
        if cancel_session(session, actor=Actor.operator(operator_of(request))):
            self.message_user(request, gettext("The request was cancelled."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("The session had already ended."), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:auth_sessions_authsession_change", args=[session.pk]))

    @list_button(_("Ask for authorization"), icon="how_to_reg", path="ask-people")
    def ask_people(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002
        return HttpResponseRedirect(reverse("admin:auth_sessions_authsession_ask"))


class RefreshAttemptInline(MachineWrittenInline[RefreshAttempt, UserToken]):
    model = RefreshAttempt
    fields = ("claimed", "outcome_label", "generation", "is_probe", "problem")
    readonly_fields = fields
    per_page = 20

    @column(_("time"))
    def claimed(self, attempt: RefreshAttempt) -> str:
        return ago(attempt.claimed_at)

    @column(_("outcome"))
    def outcome_label(self, attempt: RefreshAttempt) -> str:
        return (
            state(Outcome(attempt.outcome), OUTCOME_COLOURS)
            if attempt.outcome
            else label(_("Running"), "info")
        )

    @column(_("probe"))
    def is_probe(self, attempt: RefreshAttempt) -> str:
        return str(_("Yes")) if attempt.probe else EMPTY

    @column(_("error"))
    def problem(self, attempt: RefreshAttempt) -> str:
        return explained(attempt.code, log_id=attempt.log_id)


@admin.register(UserToken)
class UserTokenAdmin(MachineWritten[UserToken]):
    list_display = (
        "person",
        "open_id_shown",
        "bot",
        "status_label",
        "phase_label",
        "access_until",
        "refreshed",
    )
    list_filter = ("status", "phase", ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("open_id__exact", "union_id__exact", "user_id__exact", "name")
    search_help_text = _("Name, or open_id, union_id or user_id in full")
    deferred_in_lists = ("access_token", "refresh_token")
    inlines = (RefreshAttemptInline,)
    actions_row = ("send_card",)
    actions_detail = ("send_card",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "person", "open_id_shown", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label",
                    "scopes_shown",
                )
            },
        ),
        (
            _("Tokens"),
            {
                "fields": ("held", "access_until_in_full", "refreshable_until", "authorized", "again_by"),
                "description": _("Tokens are stored encrypted. The console never shows them."),
            },
        ),
        (
            _("Refresh"),
            {
                "fields": (
                    "phase_label", "next_refresh", "not_before", "refreshed_in_full", "attempts", "outcome", "problem",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "person", "open_id_shown", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label", "scopes_shown", "held",
        "access_until_in_full", "refreshable_until", "authorized", "again_by", "phase_label", "next_refresh",
        "not_before", "refreshed_in_full", "attempts", "outcome", "problem",
    )  # fmt: skip
    empty_title = _("Nobody has authorized yet")
    empty_text = _(
        "When a person authorizes a bot, the portal keeps the tokens here and refreshes them in time."
    )

    @column(_("name"), ordering="name")
    def person(self, token: UserToken) -> str:
        return token.name or token.open_id

    @column(_("Open ID"))
    def open_id_shown(self, token: UserToken) -> str:
        return identifier(token.open_id)

    @column(_("Union ID"))
    def union_id_shown(self, token: UserToken) -> str:
        return identifier(token.union_id)

    @column(_("User ID"))
    def user_id_shown(self, token: UserToken) -> str:
        return identifier(token.user_id)

    @column(_("status"), ordering="status")
    def status_label(self, token: UserToken) -> str:
        return state(TokenStatus(token.status), TOKEN_COLOURS)

    @column(_("refresh"), ordering="phase")
    def phase_label(self, token: UserToken) -> str:
        return state(RefreshPhase(token.phase), PHASE_COLOURS)

    @column(_("access until"), ordering="access_expires_at")
    def access_until(self, token: UserToken) -> str:
        return ago(token.access_expires_at)

    @column(_("access until"))
    def access_until_in_full(self, token: UserToken) -> str:
        return when(token.access_expires_at)

    @column(_("last refreshed"), ordering="refreshed_at")
    def refreshed(self, token: UserToken) -> str:
        return ago(token.refreshed_at)

    @column(_("last refreshed"))
    def refreshed_in_full(self, token: UserToken) -> str:
        return when(token.refreshed_at)

    @column(_("refreshable until"))
    def refreshable_until(self, token: UserToken) -> str:
        return when(token.refresh_expires_at)

    @column(_("authorized"))
    def authorized(self, token: UserToken) -> str:
        return when(token.authorized_at)

    @column(_("authorize again by"))
    def again_by(self, token: UserToken) -> str:
        return when(token.reauthorize_by)

    @column(_("next refresh"))
    def next_refresh(self, token: UserToken) -> str:
        return when(token.next_refresh_at)

    @column(_("not before"))
    def not_before(self, token: UserToken) -> str:
        return when(token.next_try_at)

    @column(_("last outcome"))
    def outcome(self, token: UserToken) -> str:
        return state(Outcome(token.last_outcome), OUTCOME_COLOURS) if token.last_outcome else EMPTY

    @column(_("error"))
    def problem(self, token: UserToken) -> str:
        return explained(token.last_code)

    @column(_("scopes granted"))
    def scopes_shown(self, token: UserToken) -> str:
        return ", ".join(token.scopes)

    @column(_("stored"))
    def held(self, token: UserToken) -> str:
        access = encrypted_field(UserToken, "access_token").is_set(token)
        refresh = encrypted_field(UserToken, "refresh_token").is_set(token)
        if access and refresh:
            return str(_("Access token and refresh token"))
        return str(_("Access token only: it cannot be refreshed")) if access else str(_("Nothing"))

    @button(_("Send authorization card"), icon="how_to_reg", path="send-card", colour="primary")
    def send_card(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        token = self.visible_or_404(request, unquote(object_id))
        return _ask_page(token.bot, token.open_id, [])


def _ask_page(bot: Bot, open_id: str, scopes: list[str]) -> HttpResponseRedirect:
    filled = urlencode({"bot": str(bot.pk), "open_id": open_id, "scope": scopes}, doseq=True)
    return HttpResponseRedirect(f"{reverse('admin:auth_sessions_authsession_ask')}?{filled}")


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    return {
        "bot": request.GET.get("bot"),
        "open_ids": request.GET.getlist("open_id"),
        "scopes": request.GET.getlist("scope"),
        "once": uuid.uuid4(),
    }
