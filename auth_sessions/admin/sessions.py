"""Authorization sessions in the console, with an operator's actions on them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import AskingAdmin, ask_page
from auth_sessions.domain.sessions import cancel_session
from auth_sessions.enums import OPEN_STATES, Deliver, FailureReason, SessionState, Via
from auth_sessions.models import AuthSession
from auth_sessions.notify import notify_card
from core.access.actors import Actor
from core.access.bot_directory import PersonRef
from core.console.actions import Question, button, confirmed, list_button
from core.console.badges import state
from core.console.base import actor_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, YesNoFilter, since
from core.console.rendering import EMPTY, actor, ago, identifier, problem_block, scopes_in_words, when
from feishu.codes import explain

SESSION_COLOURS = {
    SessionState.PENDING: "info",
    SessionState.SENT: "info",
    SessionState.OPENED: "primary",
    SessionState.AUTHORIZED: "success",
    SessionState.DENIED: "warning",
    SessionState.FAILED: "danger",
}


def inapplicable(session: AuthSession) -> set[str]:
    """Fields that say nothing of this session."""
    is_card = session.deliver == Deliver.CARD
    is_by_code = session.via == Via.DEVICE
    shown = {
        "failure": session.reason,
        "problem": session.error_code is not None or session.error_reason or session.error_said,
        "purpose": session.why,
        "code_until": is_by_code and session.is_open,
        "code_error": is_by_code and session.device.error,
        "return_url_shown": session.return_url,
        "opened": session.opened_at,
        "expires_in_full": session.is_open,
        "finished": session.finished_at,
        "card_message": is_card,
        "card_shows": is_card,
        "card_attempts": session.card_attempts,
        "card_error": session.card_error,
    }
    return {name for name, value in shown.items() if not value}


class OpenFilter(YesNoFilter):
    title = _("waiting for an answer")
    parameter_name = "open"
    condition = Q(state__in=OPEN_STATES)


@admin.register(AuthSession)
class AuthSessionAdmin(AskingAdmin):
    list_display = ("person", "bot", "state_label", "failure", "who_asked", "created", "expires")
    list_filter = (OpenFilter, "state", "reason", "via", since("created_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("open_id__exact", "message_id__exact", "error_log_id__exact")
    search_help_text = _("Name of the person; or open_id, message ID or log ID, in full")
    sortable_by = ()
    deferred_in_lists = ("start_token", "code_verifier")
    actions_list = ("ask_people", "ask_many")
    actions_row = ("update_card", "request_reauthorization", "cancel")
    actions_detail = ("update_card", "request_reauthorization", "cancel")
    fieldsets = (
        (None, {"fields": ("person_in_full", "bot", "scopes_shown", "state_label", "failure", "problem")}),
        (
            _("Request"),
            {
                "fields": (
                    "who_asked",
                    "purpose",
                    "delivered",
                    "flow",
                    "code_until",
                    "code_error",
                    "return_url_shown",
                )
            },
        ),
        (_("Times"), {"fields": ("created_in_full", "opened", "expires_in_full", "finished")}),
        (_("Card"), {"fields": ("card_message", "card_shows", "card_attempts", "card_error")}),
    )
    readonly_fields = (
        "person_in_full", "bot", "scopes_shown", "state_label", "failure", "problem", "who_asked", "purpose", "delivered", "flow",
        "code_until", "code_error", "return_url_shown",
        "created_in_full", "opened", "expires_in_full", "finished", "card_message", "card_shows", "card_attempts",
        "card_error",
    )  # fmt: skip
    empty_title = _("No authorization requests yet")
    empty_text = _(
        "Somebody writes /auth to a bot, or you send a card yourself with “Ask for authorization”."
    )

    def get_fieldsets(self, request: HttpRequest, obj: AuthSession | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else without(fieldsets, inapplicable(obj))

    # --- columns and read-only fields

    @column(_("person asked"))
    def person(self, session: AuthSession) -> str:
        return self.person_in(session, session.open_id, linked=False)

    @column(_("person asked"))
    def person_in_full(self, session: AuthSession) -> str:
        return self.person_in(session, session.open_id, in_full=True)

    @column(_("state"))
    def state_label(self, session: AuthSession) -> str:
        return state(SessionState(session.state), SESSION_COLOURS)

    @column(_("reason"))
    def failure(self, session: AuthSession) -> str:
        """With the person who authorized instead, where it was another one."""
        words = str(FailureReason(session.reason).label) if session.reason else EMPTY
        if not session.authorized_by:
            return words
        return format_html("{} {}", words, self.person_in(session, session.authorized_by))

    def people_of(self, row: AuthSession) -> list[PersonRef]:
        requester = Actor.read(row.requested_by)
        people = (row.open_id, row.authorized_by, requester.name if requester.kind == "user" else "")
        return [(row.bot_id, open_id) for open_id in people if open_id]

    @column(_("purpose"))
    def purpose(self, session: AuthSession) -> str:
        return session.why or EMPTY

    @column(_("requested by"))
    def who_asked(self, session: AuthSession) -> str:
        requester = Actor.read(session.requested_by)
        if requester.kind != "user":
            return actor(session.requested_by)
        if requester.name == session.open_id:
            return str(_("The person themself"))
        return self.person_in(session, requester.name)

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
        return scopes_in_words(session.scopes)

    @column(_("delivered as"))
    def delivered(self, session: AuthSession) -> str:
        return str(Deliver(session.deliver).label)

    @column(_("consent"))
    def flow(self, session: AuthSession) -> str:
        return str(Via(session.via).label)

    @column(_("code expires"))
    def code_until(self, session: AuthSession) -> str:
        return when(session.device.expires_at) if session.via == Via.DEVICE else EMPTY

    @column(_("platform's last word on the code"))
    def code_error(self, session: AuthSession) -> str:
        return (session.device.error or EMPTY) if session.via == Via.DEVICE else EMPTY

    @column(_("return address"))
    def return_url_shown(self, session: AuthSession) -> str:
        return identifier(session.return_url)

    @column(_("error"))
    def problem(self, session: AuthSession) -> str:
        if session.error_code is None and not session.error_reason:
            return session.error_said or EMPTY
        info = explain(session.error_code, session.error_reason).for_one_attempt
        return problem_block(info, said=session.error_said, log_id=session.error_log_id)

    @column(_("card message"))
    def card_message(self, session: AuthSession) -> str:
        return identifier(session.message_id)

    @column(_("card shows"))
    def card_shows(self, session: AuthSession) -> str:
        return state(SessionState(session.card_state), SESSION_COLOURS) if session.card_state else EMPTY

    # --- actions

    def fits(self, action: str, row: AuthSession) -> bool:
        match action:
            case "cancel":
                return row.is_open
            case "update_card":
                return row.deliver == Deliver.CARD and not row.card_given_up
            case _:
                return super().fits(action, row)

    @button(_("Update card"), icon="refresh", path="update-card")
    @confirmed(
        Question(
            title=_("Update card"),
            text=_("Sends the card if it was not sent yet, or changes it to how the session stands now."),
            submit=_("Update card"),
        )
    )
    def update_card(self, request: HttpRequest, session: AuthSession) -> None:
        if session.card_given_up:
            self.message_user(
                request,
                gettext("The platform refused this card for good. Ask the person again."),
                messages.WARNING,
            )
            return
        notify_card(session.pk)
        self.message_user(request, gettext("The card is being brought up to date."), messages.SUCCESS)

    @button(_("Ask again"), icon="how_to_reg", path="ask-again")
    def request_reauthorization(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        session = self.visible_or_404(request, unquote(object_id))
        return ask_page(session.bot, session.open_id, session.scopes)

    @button(_("Cancel request"), icon="cancel", path="cancel", colour="danger")
    @confirmed(
        Question(
            title=_("Cancel request"),
            text=_("The link stops working and the card says that the request was withdrawn."),
            submit=_("Cancel request"),
            danger=True,
        )
    )
    def cancel(self, request: HttpRequest, session: AuthSession) -> None:
        if cancel_session(session, actor=actor_of(request)):
            self.message_user(request, gettext("The request was cancelled."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("The session had already ended."), messages.WARNING)

    @list_button(_("Ask for authorization"), icon="how_to_reg", path="ask-people")
    def ask_people(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 -- Unfold's signature
        return HttpResponseRedirect(reverse("admin:auth_sessions_authsession_ask"))

    @list_button(_("Ask many"), icon="campaign", path="ask-many", colour="default")
    def ask_many(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 -- Unfold's signature
        return HttpResponseRedirect(reverse("admin:auth_sessions_campaign_form"))
