"""User tokens in the console: that they are there and how they fare, never what they are."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import REFUSALS, ask_page
from auth_sessions.domain.demand import ask_refresh
from auth_sessions.domain.refresh.gate import try_soon
from auth_sessions.domain.revocation import revoke, revoke_later
from auth_sessions.domain.scopes import ask_for_scopes, lacking, wanted_scopes
from auth_sessions.enums import (
    Notice,
    Outcome,
    PlatformReason,
    RefreshPhase,
    RevocationState,
    TokenStatus,
)
from auth_sessions.errors import AuthError
from auth_sessions.models import RefreshAttempt, RefreshGate, Revocation, UserToken
from feishu_portal.access.actors import Actor
from feishu_portal.access.admin.actions import Question, ask_about, button, confirmed, is_confirmed
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
from feishu_portal.access.admin.filters import VisibleRelatedFilter
from feishu_portal.access.fields import encrypted_field

MOST_AT_ONCE = 200
REVOKING = _(
    "The tokens are destroyed here and withdrawn at the platform. What runs with them stops at once. The person is told and "
    "can authorize again."
)
REVOCATION_COLOURS = {
    RevocationState.PENDING: "warning",
    RevocationState.DONE: "success",
    RevocationState.GIVEN_UP: "danger",
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


class RevocationInline(MachineWrittenInline[Revocation, UserToken]):
    model = Revocation
    fields = ("ended", "who", "why", "state_label", "told", "problem")
    readonly_fields = fields
    per_page = 10

    @column(_("time"))
    def ended(self, revocation: Revocation) -> str:
        return ago(revocation.at)

    @column(_("revoked by"))
    def who(self, revocation: Revocation) -> str:
        return actor(revocation.actor)

    @column(_("reason"))
    def why(self, revocation: Revocation) -> str:
        reason = revocation.platform_reason
        return str(PlatformReason(reason).label) if reason else EMPTY

    @column(_("state"))
    def state_label(self, revocation: Revocation) -> str:
        return state(RevocationState(revocation.state), REVOCATION_COLOURS)

    @column(_("notice"))
    def told(self, revocation: Revocation) -> str:
        return str(Notice(revocation.notice).label)

    @column(_("error"))
    def problem(self, revocation: Revocation) -> str:
        if revocation.code is None:
            return revocation.error or EMPTY
        return explained(revocation.code, log_id=revocation.log_id)


REFRESHING = _(
    "The refresher fetches new tokens as soon as it can. While the app is paused, it is tried once, to see whether the "
    "platform accepts it again."
)


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
    inlines = (RevocationInline, RefreshAttemptInline)
    actions = ("revoke_chosen",)
    actions_row = ("send_card", "revoke")
    actions_detail = ("send_card", "ask_for_more", "refresh_now", "revoke")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "person", "open_id_shown", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label",
                    "scopes_shown", "scopes_missing",
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
                    "phase_label", "paused", "next_refresh", "not_before", "refreshed_in_full", "used", "attempts",
                    "outcome", "problem", "reminder",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "person", "open_id_shown", "union_id_shown", "user_id_shown", "tenant_key", "bot", "status_label", "scopes_shown", "scopes_missing", "held",
        "access_until_in_full", "refreshable_until", "authorized", "again_by", "phase_label", "paused",
        "next_refresh", "not_before", "refreshed_in_full", "used", "attempts", "outcome", "problem", "reminder",
    )  # fmt: skip
    empty_title = _("Nobody has authorized yet")
    empty_text = _(
        "When a person authorizes a bot, the portal keeps the tokens here and refreshes them in time."
    )

    @column(_("name"), ordering="name")
    def person(self, token: UserToken) -> str:
        return token.name or identifier(token.open_id)

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

    @column(_("app"))
    def paused(self, token: UserToken) -> str:
        """Whether anything of this app is refreshed at all."""
        gate = RefreshGate.objects.filter(pk=token.bot_id).exclude(paused_at=None).first()
        if gate is None:
            return label(_("Being refreshed"), "success")
        return format_html(
            "{} {}<br>{}", label(_("Paused"), "danger"), when(gate.paused_at), explained(gate.code)
        )

    @column(_("last used"))
    def used(self, token: UserToken) -> str:
        return when(token.used_at)

    @column(_("next reminder"))
    def reminder(self, token: UserToken) -> str:
        return when(token.next_reminder_at)

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

    @column(_("scopes missing"))
    def scopes_missing(self, token: UserToken) -> str:
        return ", ".join(lacking(token, wanted_scopes(token))) or EMPTY

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
        return ask_page(token.bot, token.open_id, [])

    @button(_("Ask for missing scopes"), icon="add_moderator", path="ask-for-more")
    @confirmed(
        lambda token: Question(
            title=_("Ask for missing scopes"),
            text=_(
                "The person gets a card that names what is asked for on top: %(scopes)s. What they have allowed stays."
            )
            % {"scopes": ", ".join(lacking(token, wanted_scopes(token))) or EMPTY},
            submit=_("Send card"),
        )
    )
    def ask_for_more(self, request: HttpRequest, token: UserToken) -> None:
        actor = Actor.operator(operator_of(request))
        missing = lacking(token, wanted_scopes(token))
        try:
            session = ask_for_scopes(grant=token, scopes=missing, actor=actor)
        except AuthError as error:
            self.message_user(request, str(REFUSALS.get(error.code, error)), messages.ERROR)
            return
        if session is None:
            self.message_user(request, gettext("Nothing is missing."), messages.INFO)
        else:
            self.message_user(request, gettext("The card is on its way."), messages.SUCCESS)

    @button(_("Refresh now"), icon="refresh", path="refresh-now")
    @confirmed(Question(title=_("Refresh now"), text=REFRESHING, submit=_("Refresh now")))
    def refresh_now(self, request: HttpRequest, token: UserToken) -> None:
        tried = try_soon(token.bot, actor=Actor.operator(operator_of(request)))
        if ask_refresh(token) or tried:
            self.message_user(request, gettext("The refresher does it next."), messages.SUCCESS)
        else:
            self.message_user(
                request,
                gettext("Nothing to do: it is due already, under way, or cannot be refreshed."),
                messages.INFO,
            )

    @button(_("Revoke"), icon="block", path="revoke", colour="danger")
    @confirmed(Question(title=_("Revoke"), text=REVOKING, submit=_("Revoke"), danger=True))
    def revoke(self, request: HttpRequest, token: UserToken) -> None:
        outcome = revoke(grant=token, actor=Actor.operator(operator_of(request)))
        told = outcome.state in {RevocationState.DONE, RevocationState.OVERTAKEN}
        words = (
            gettext("The authorization was revoked, at the platform too.")
            if told
            else gettext("The tokens are destroyed. The platform has not confirmed yet and is told again.")
        )
        self.message_user(request, words, messages.SUCCESS if told else messages.WARNING)

    @admin.action(description=_("Revoke"))
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[UserToken]) -> HttpResponseBase | None:
        """Asks first; what is posted from that page carries the same choice."""
        grants = list(chosen.exclude(status=TokenStatus.REVOKED).select_related("bot")[: MOST_AT_ONCE + 1])
        if len(grants) > MOST_AT_ONCE:
            self.message_user(
                request,
                gettext("Choose no more than %(most)d at once.") % {"most": MOST_AT_ONCE},
                messages.ERROR,
            )
            return None
        if not is_confirmed(request):
            question = Question(
                title=ngettext(
                    "Revoke %(count)d authorization", "Revoke %(count)d authorizations", len(grants)
                )
                % {"count": len(grants)},
                text=REVOKING,
                submit=_("Revoke"),
                danger=True,
            )
            return ask_about(request, self, question, action="revoke_chosen", rows=grants)
        for grant in grants:
            revoke_later(grant=grant, actor=Actor.operator(operator_of(request)))
        words = ngettext(
            "%(count)d authorization was revoked.", "%(count)d authorizations were revoked.", len(grants)
        )
        self.message_user(request, words % {"count": len(grants)}, messages.SUCCESS)
        return None
