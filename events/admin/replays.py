"""Replays: how far they have come, and the button that ends one."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.console.actions import Question, button, confirmed
from core.console.badges import state
from core.console.base import ReadOnlyAdmin, actor_of
from core.console.columns import column
from core.console.rendering import EMPTY, actor, ago, json_block, progress_bar, when
from events.enums import ReplayMode, ReplayState
from events.log.replay import cancel_replay
from events.models import ReplayJob, Subscription

COLOURS = {
    ReplayState.WAITING: "info",
    ReplayState.RUNNING: "info",
    ReplayState.DONE: "success",
    ReplayState.CANCELLED: "warning",
}


@admin.register(ReplayJob)
class ReplayJobAdmin(ReadOnlyAdmin[ReplayJob]):
    list_display = ("number", "who", "state_label", "progress", "handlers_shown", "pace", "created")
    list_filter = ("state",)
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("state_label", "progress", "problem")}),
        (
            _("Request"),
            {"fields": ("who", "created_in_full", "finished", "handlers_shown", "pace", "criteria_shown")},
        ),
    )
    readonly_fields = (
        "state_label", "progress", "problem", "who", "created_in_full", "finished", "handlers_shown", "pace",
        "criteria_shown",
    )  # fmt: skip
    actions_row = ("cancel",)
    actions_detail = ("cancel",)
    change_form_before_template = "admin/refresh.html"
    empty_title = _("No replays yet")
    empty_text = _("Replay events from the event log or from the dead letters, and follow them here.")

    @column(_("replay"))
    def number(self, job: ReplayJob) -> str:
        return str(job)

    @column(_("requested by"))
    def who(self, job: ReplayJob) -> str:
        return actor(job.requested_by)

    @column(_("state"))
    def state_label(self, job: ReplayJob) -> str:
        return state(ReplayState(job.state), COLOURS)

    @column(_("progress"))
    def progress(self, job: ReplayJob) -> str:
        seen = job.replayed + job.skipped
        words = gettext("%(replayed)d replayed, %(skipped)d skipped, of %(expected)s") % {
            "replayed": job.replayed,
            "skipped": job.skipped,
            "expected": job.expected_count,
        }
        is_over = not job.is_open and not seen
        return progress_bar(max(job.expected, 1) if is_over else seen, max(job.expected, seen), words)

    @column(_("handlers"))
    def handlers_shown(self, job: ReplayJob) -> str:
        mode = str(ReplayMode(job.mode).label)
        names = [*job.handlers, *_names(job.subscriptions)]
        return f"{mode}: {', '.join(names)}" if names else mode

    @column(_("events a second"))
    def pace(self, job: ReplayJob) -> str:
        return str(job.rate)

    @column(_("filter"))
    def criteria_shown(self, job: ReplayJob) -> str:
        return json_block(job.criteria)

    @column(_("created"))
    def created(self, job: ReplayJob) -> str:
        return ago(job.created_at)

    @column(_("created"))
    def created_in_full(self, job: ReplayJob) -> str:
        return when(job.created_at)

    @column(_("finished"))
    def finished(self, job: ReplayJob) -> str:
        return when(job.finished_at)

    @column(_("error"))
    def problem(self, job: ReplayJob) -> str:
        return format_html('<span class="portal-said">{}</span>', job.error) if job.error else EMPTY

    def page_context(self, request: HttpRequest, row: ReplayJob) -> dict[str, Any]:  # noqa: ARG002 -- of the interface
        return {"is_open": row.is_open}

    def fits(self, action: str, row: ReplayJob) -> bool:  # noqa: ARG002 -- there is one
        return row.is_open

    @button(_("Cancel replay"), icon="cancel", path="cancel", colour="warning")
    @confirmed(
        Question(
            title=_("Cancel replay"),
            text=_("It stops before its next step. What was replayed already stays so."),
            submit=_("Cancel replay"),
            danger=True,
        )
    )
    def cancel(self, request: HttpRequest, job: ReplayJob) -> None:
        if cancel_replay(job, actor=actor_of(request)):
            self.message_user(request, gettext("The replay is cancelled."), messages.SUCCESS)
        else:
            self.message_user(request, gettext("The replay had ended already."), messages.WARNING)


def _names(subscriptions: list[str]) -> list[str]:
    return list(Subscription.objects.filter(pk__in=subscriptions).values_list("name", flat=True))
