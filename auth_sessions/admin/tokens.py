"""User tokens in the console: their state, never the tokens themselves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.token_controls import TokenControls
from auth_sessions.admin.token_history import (
    OUTCOME_COLOURS,
    RefreshAttemptInline,
    RevocationInline,
    answered,
)
from auth_sessions.domain.refresh.revival import obstacle_to_revival
from auth_sessions.domain.tokens.scopes import lacking, wanted_scopes
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, RefreshGate, UserToken
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, refuse_unknown
from core.console.people import PeopleAdmin
from core.console.rendering import EMPTY, ago, identifier, problem_block, scopes_in_words, when
from core.vault.fields import encrypted_field
from feishu.codes import explain

if TYPE_CHECKING:
    from auth_sessions.models.user_tokens import UserTokenQuerySet

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


REFRESHING = ("phase_label", "paused", "next_refresh", "not_before", "reminder")
"""What says when the tokens are refreshed next."""


def inapplicable(token: UserToken) -> set[str]:
    """Fields that say nothing of this token, or nothing true."""
    hidden: set[str] = set()
    if token.status == TokenStatus.REVOKED:
        hidden |= {*REFRESHING, "held", "access_until_in_full", "person_needed_in_full", "scopes_missing"}
    elif not token.is_renewable:
        hidden |= {*REFRESHING, "refreshed_in_full", "attempts", "outcome"}
    if token.status != TokenStatus.ACTIVE and obstacle_to_revival(token) is not None:
        hidden.add("refreshable_until")
    shown = {
        "refreshable_until": token.refresh_expires_at, "not_before": token.next_attempt_at,
        "reminder": token.next_reminder_at, "union_id_shown": token.union_id, "user_id_shown": token.user_id,
        "refreshed_in_full": token.refreshed_at, "outcome": token.last_outcome,
        # A consent counts as use for the schedule of refreshes, and for nobody else.
        "used": token.used_at != token.authorized_at and token.used_at,
        "problem": token.last_code is not None or token.last_reason, "attempts": token.attempts,
    }  # fmt: skip
    return hidden | {name for name, value in shown.items() if not value}


def status_of(token: UserToken) -> str:
    """The label of its status; of one that ends with its access token, that it does."""
    if token.status == TokenStatus.ACTIVE and not token.is_renewable:
        return label(_("2 hours only, cannot be renewed"), "warning")
    return state(TokenStatus(token.status), TOKEN_COLOURS)


def needs_person(token: UserToken, shown: Callable[[datetime], str]) -> str:
    """When the person has to do something next for the bot to go on acting for them."""
    is_over = token.status == TokenStatus.NEEDS_REAUTH or token.person_needed_at <= timezone.now()
    return label(_("Now"), "warning") if is_over else shown(token.person_needed_at)


class EndingFilter(admin.SimpleListFilter):
    """Whose person has to consent again soon."""

    title = _("authorize again by")
    parameter_name = "ending"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("7d", _("Within 7 days"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "7d":
            return cast("UserTokenQuerySet", queryset).ending_within(timedelta(days=7))
        refuse_unknown(self.value())
        return queryset


@admin.register(UserToken)
class UserTokenAdmin(TokenControls, PeopleAdmin[UserToken], ReadOnlyAdmin[UserToken]):
    list_display = (
        "person",
        "bot",
        "status_label",
        "phase_label",
        "access_until",
        "person_needed",
    )
    list_filter = ("status", "phase", EndingFilter, ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("open_id__exact", "union_id__exact", "user_id__exact")
    search_help_text = _("Name of the person; or open_id, union_id or user_id, in full")
    deferred_in_lists = ("access_token", "refresh_token")
    inlines = (RevocationInline, RefreshAttemptInline)
    actions = ("revoke_chosen",)
    actions_row = ("send_card", "revoke")
    actions_detail = ("send_card", "ask_for_more", "refresh_now", "revoke")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "person_in_full", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label",
                    "scopes_shown", "scopes_missing",
                )
            },
        ),
        (
            _("Tokens"),
            {
                "fields": (
                    "held", "access_until_in_full", "refreshable_until", "authorized", "person_needed_in_full",
                ),
                "description": _("Tokens are stored encrypted. The console never shows them."),
            },
        ),
        (
            _("Refresh"),
            {
                "fields": (
                    "phase_label", "paused", "next_refresh", "not_before", "refreshed_in_full", "used", "attempts",
                    "outcome", "problem", "reminder",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "person_in_full", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label", "scopes_shown", "scopes_missing", "held",
        "access_until_in_full", "refreshable_until", "authorized", "person_needed_in_full", "phase_label", "paused",
        "next_refresh", "not_before", "refreshed_in_full", "used", "attempts", "outcome", "problem", "reminder",
    )  # fmt: skip
    empty_title = _("Nobody has authorized yet")
    empty_text = _(
        "When a person authorizes a bot, the portal keeps the tokens here and refreshes them in time."
    )

    @column(_("person"))
    def person(self, token: UserToken) -> str:
        return self.person_in(token, token.open_id, linked=False)

    @column(_("person"))
    def person_in_full(self, token: UserToken) -> str:
        return self.person_in(token, token.open_id, in_full=True)

    @column(_("Union ID"))
    def union_id_shown(self, token: UserToken) -> str:
        return identifier(token.union_id)

    @column(_("User ID"))
    def user_id_shown(self, token: UserToken) -> str:
        return identifier(token.user_id)

    def get_fieldsets(self, request: HttpRequest, obj: UserToken | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else without(fieldsets, inapplicable(obj))

    @column(_("status"), ordering="status")
    def status_label(self, token: UserToken) -> str:
        return status_of(token)

    @column(_("refresh"), ordering="phase")
    def phase_label(self, token: UserToken) -> str:
        if token.status != TokenStatus.ACTIVE or not token.is_renewable:
            return EMPTY
        return state(RefreshPhase(token.phase), PHASE_COLOURS)

    @column(_("access until"), ordering="access_expires_at")
    def access_until(self, token: UserToken) -> str:
        return EMPTY if token.status == TokenStatus.REVOKED else ago(token.access_expires_at)

    @column(_("next needs the person"))
    def person_needed(self, token: UserToken) -> str:
        return EMPTY if token.status == TokenStatus.REVOKED else needs_person(token, ago)

    @column(_("next needs the person"))
    def person_needed_in_full(self, token: UserToken) -> str:
        return needs_person(token, when)

    @column(_("access until"))
    def access_until_in_full(self, token: UserToken) -> str:
        return when(token.access_expires_at)

    @column(_("last refreshed"))
    def refreshed_in_full(self, token: UserToken) -> str:
        return when(token.refreshed_at)

    @column(_("refreshable until"))
    def refreshable_until(self, token: UserToken) -> str:
        """Empty where the portal refreshes no more, unless an operator can have it tried."""
        if token.status == TokenStatus.ACTIVE:
            return when(token.refresh_expires_at)
        if obstacle_to_revival(token) is not None:
            return EMPTY
        return format_html("{}<br>{}", when(token.refresh_expires_at), _("“Refresh now” tries it again."))

    @column(_("authorized"))
    def authorized(self, token: UserToken) -> str:
        return when(token.authorized_at)

    @column(_("next refresh"))
    def next_refresh(self, token: UserToken) -> str:
        return when(token.next_refresh_at)

    @column(_("app"))
    def paused(self, token: UserToken) -> str:
        """Whether the app's tokens are refreshed."""
        gate = RefreshGate.objects.filter(pk=token.bot_id).exclude(paused_at=None).first()
        if gate is None:
            return label(_("Being refreshed"), "success")
        return format_html(
            "{} {}<br>{}",
            label(_("Paused"), "danger"),
            when(gate.paused_at),
            problem_block(explain(gate.code, gate.reason)),
        )

    @column(_("last used"))
    def used(self, token: UserToken) -> str:
        return when(token.used_at)

    @column(_("next reminder"))
    def reminder(self, token: UserToken) -> str:
        return when(token.next_reminder_at)

    @column(_("not before"))
    def not_before(self, token: UserToken) -> str:
        return when(token.next_attempt_at)

    @column(_("last outcome"))
    def outcome(self, token: UserToken) -> str:
        return state(RefreshOutcome(token.last_outcome), OUTCOME_COLOURS) if token.last_outcome else EMPTY

    @column(_("error"))
    def problem(self, token: UserToken) -> str:
        """Of the last attempt, while it is one that failed."""
        if token.last_code is None and not token.last_reason:
            return EMPTY
        latest = RefreshAttempt.objects.filter(token=token).order_by("-claimed_at").first()
        said = answered(latest) if latest else ""
        return problem_block(explain(token.last_code, token.last_reason), said=said)

    @column(_("scopes granted"))
    def scopes_shown(self, token: UserToken) -> str:
        return scopes_in_words(token.scopes)

    @column(_("scopes missing"))
    def scopes_missing(self, token: UserToken) -> str:
        return scopes_in_words(lacking(token, wanted_scopes(token)))

    @column(_("stored"))
    def held(self, token: UserToken) -> str:
        access = encrypted_field(UserToken, "access_token").is_set(token)
        refresh = encrypted_field(UserToken, "refresh_token").is_set(token)
        if access and refresh:
            return str(_("Access token and refresh token"))
        return str(_("Access token only: it cannot be refreshed")) if access else str(_("Nothing"))
