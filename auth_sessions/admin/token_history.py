"""The history of a grant: its refreshes and revocations."""

from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import Notice, PlatformReason, RefreshOutcome, RevocationState
from auth_sessions.models import RefreshAttempt, Revocation, UserToken
from core.console.badges import label, state
from core.console.base import ReadOnlyInline
from core.console.columns import column
from core.console.rendering import EMPTY, actor, ago, explained, problem_block
from feishu.codes import explain

OUTCOME_COLOURS = {
    RefreshOutcome.OK: "success",
    RefreshOutcome.REJECTED: "warning",
    RefreshOutcome.NOT_SENT: "warning",
    RefreshOutcome.UNCERTAIN: "warning",
    RefreshOutcome.DEAD_USER: "danger",
    RefreshOutcome.DEAD_APP: "danger",
}
REVOCATION_COLOURS = {
    RevocationState.PENDING: "warning",
    RevocationState.DONE: "success",
    RevocationState.GIVEN_UP: "danger",
}


class RefreshAttemptInline(ReadOnlyInline[RefreshAttempt, UserToken]):
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
            state(RefreshOutcome(attempt.outcome), OUTCOME_COLOURS)
            if attempt.outcome
            else label(_("Running"), "info")
        )

    @column(_("probe"))
    def is_probe(self, attempt: RefreshAttempt) -> str:
        return str(_("Yes")) if attempt.probe else EMPTY

    @column(_("error"))
    def problem(self, attempt: RefreshAttempt) -> str:
        said = answered(attempt)
        if attempt.code is None and not attempt.reason:
            return said or EMPTY
        return problem_block(explain(attempt.code, attempt.reason), said=said, log_id=attempt.log_id)


def answered(attempt: RefreshAttempt) -> str:
    """What came back: the HTTP status, and the words."""
    status = "" if attempt.http_status is None else f"HTTP {attempt.http_status}"
    is_named = not status or attempt.said.startswith(status)
    return attempt.said if is_named else ": ".join(filter(None, (status, attempt.said)))


class RevocationInline(ReadOnlyInline[Revocation, UserToken]):
    model = Revocation
    fields = ("ended", "who", "why", "state_label", "notice_label", "problem")
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
    def notice_label(self, revocation: Revocation) -> str:
        return str(Notice(revocation.notice).label)

    @column(_("error"))
    def problem(self, revocation: Revocation) -> str:
        if revocation.code is None:
            return revocation.error or EMPTY
        return explained(revocation.code, log_id=revocation.log_id)
