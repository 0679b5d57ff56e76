"""What pages of campaigns and of batches have in common: the bar, the numbers, their buttons, and each recipient with its outcome."""

from typing import Any, ClassVar, Final, TypeVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.enums import MailingState, RecipientKind, RecipientProblem, RecipientState
from bots.errors import MailingStateError
from bots.mailings.service import cancel, may_cancel, may_retry, retry
from bots.mailings.walk import Mailer
from bots.models.mailings import Mailing, Recipient
from core.access.bot_directory import PersonRef
from core.console.badges import label, state
from core.console.base import ReadOnlyAdmin, actor_of
from core.console.columns import column
from core.console.overview import list_link
from core.console.people import PeopleAdmin
from core.console.rendering import EMPTY, actor, ago, problem_block, progress_bar, when
from feishu.codes import explain

M = TypeVar("M", bound=Mailing)
R = TypeVar("R", bound=Recipient)

MAILING_COLOURS: Final = {
    MailingState.RESOLVING: "info",
    MailingState.READY: "primary",
    MailingState.SENDING: "info",
    MailingState.DONE: "success",
    MailingState.CANCELLING: "warning",
    MailingState.CANCELLED: "warning",
}
RECIPIENT_COLOURS: Final = {
    RecipientState.WAITING: "info",
    RecipientState.READY: "info",
    RecipientState.SENT: "success",
    RecipientState.FAILED: "danger",
    RecipientState.UNKNOWN: "warning",
    RecipientState.NOT_FOUND: "warning",
}
TO_COME: Final = (RecipientState.WAITING, RecipientState.READY)
MISSED: Final = (RecipientState.FAILED, RecipientState.UNKNOWN)
NO_PERSON: Final = (RecipientState.EXPANDED, RecipientState.REPEATED)
"""Rows that stand for nobody of their own."""
MOVING_SECONDS: Final = 3
NAMES_SHOWN: Final = 20


def names_of_missing(rows: Any) -> str:
    """The first of those who were not found, as they were named."""
    missing = rows.filter(state=RecipientState.NOT_FOUND).order_by("pk").values_list("given", flat=True)
    names = list(missing[: NAMES_SHOWN + 1])
    return ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")


class MailingAdmin(ReadOnlyAdmin[M]):
    """Rows that a worker walks; an open page follows. The buttons ``retry`` and ``cancel`` of a kind ask in words of its own."""

    mailer: ClassVar[Mailer[Any, Any]]
    change_form_before_template = "admin/refresh.html"
    cancelled_words: ClassVar[str | Promise]
    changed_words: ClassVar[str | Promise]
    """For whoever comes too late: somebody else did something first."""
    sent_words: ClassVar[str | Promise] = _("%(done)d of %(all)d sent")
    missed: ClassVar[tuple[RecipientState, ...]] = MISSED
    """Whom it was for and did not reach."""

    @column(_("state"))
    def state_label(self, mailing: M) -> str:
        reached, missed = mailing.count(RecipientState.SENT), mailing.count(*self.missed)
        if mailing.state != MailingState.DONE or not missed:
            return state(MailingState(mailing.state), MAILING_COLOURS)
        return label(_("Sent in part"), "warning") if reached else label(_("Sent to nobody"), "danger")

    @column(_("requested by"))
    def who(self, mailing: M) -> str:
        return actor(mailing.requested_by)

    @column(_("progress"))
    def progress(self, mailing: M) -> str:
        everybody = sum(mailing.counts.values()) - mailing.count(*NO_PERSON)
        if mailing.state in {MailingState.RESOLVING, MailingState.READY}:
            done = everybody - mailing.count(RecipientState.WAITING)
            return progress_bar(
                done, everybody, gettext("%(done)d of %(all)d looked up") % {"done": done, "all": everybody}
            )
        sent = mailing.count(RecipientState.SENT)
        everybody = sent + mailing.count(*TO_COME, *self.missed, RecipientState.CANCELLED)
        return progress_bar(sent, everybody, str(self.sent_words) % {"done": sent, "all": everybody})

    @column(_("created"))
    def created(self, mailing: M) -> str:
        return ago(mailing.created_at)

    @column(_("created"))
    def created_in_full(self, mailing: M) -> str:
        return when(mailing.created_at)

    @column(_("began"))
    def started(self, mailing: M) -> str:
        return when(mailing.started_at)

    @column(_("finished"))
    def finished(self, mailing: M) -> str:
        return when(mailing.finished_at)

    @column(_("error"))
    def problem(self, mailing: M) -> str:
        return problem_of(mailing)

    def followed_every(self, mailing: M) -> int:
        """Seconds after which an open page is reloaded; 0 where it stays as it is."""
        return MOVING_SECONDS if mailing.is_moving else 0

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:  # noqa: ARG002 -- of the interface
        seconds = self.followed_every(row)
        return {"is_open": bool(seconds), "reload_seconds": seconds}

    def list_of_recipients(self, mailing: M, **filters: str) -> str:
        """Its address."""
        meta = self.mailer.recipients._meta
        return list_link(f"{meta.app_label}_{meta.model_name}", mailing__id__exact=str(mailing.pk), **filters)

    def recipients_link(self, mailing: M, count: int, **filters: str) -> str:
        """A number of recipients that leads to them."""
        link = self.list_of_recipients(mailing, **filters)
        return format_html('<a class="portal-count-link" href="{}">{}</a>', link, count) if count else "0"

    def to_recipients(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Of the button that shows them."""
        return HttpResponseRedirect(self.list_of_recipients(self.visible_or_404(request, object_id)))

    def fits(self, action: str, row: M) -> bool:
        match action:
            case "retry":
                return may_retry(row)
            case "cancel":
                return may_cancel(self.mailer, row)
            case _:
                return super().fits(action, row)

    def retry_now(self, request: HttpRequest, mailing: M) -> None:
        """Of the button that was confirmed."""
        try:
            retry(self.mailer, mailing, actor=actor_of(request))
        except MailingStateError:
            self.say_changed(request)
        else:
            self.message_user(request, gettext("They are tried again."), messages.SUCCESS)

    def cancel_now(self, request: HttpRequest, mailing: M) -> None:
        """Of the button that was confirmed."""
        if cancel(self.mailer, mailing, actor=actor_of(request)):
            self.message_user(request, str(self.cancelled_words), messages.SUCCESS)
        else:
            self.say_changed(request)

    def say_changed(self, request: HttpRequest) -> None:
        """That this can no longer be done."""
        self.message_user(request, str(self.changed_words), messages.WARNING)


class RecipientAdmin(PeopleAdmin[R], ReadOnlyAdmin[R]):
    """One recipient a row, with its outcome."""

    open_id_column = "target"

    def get_queryset(self, request: HttpRequest) -> QuerySet[R]:
        """Departments that were named stand for themselves only as long as their people are not listed."""
        rows: Any = super().get_queryset(request)
        addressees: QuerySet[R] = rows.addressees()
        return addressees

    def mailing_link(self, row: R, words: object) -> str:
        """To the page of what it is a recipient of."""
        meta = row.mailing._meta
        link = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.mailing.pk])
        return format_html('<a href="{}">{}</a>', link, words)

    def people_of(self, row: R) -> list[PersonRef]:
        return super().people_of(row) if row.target.startswith("ou_") else []

    @column(_("recipient"))
    def recipient(self, row: R) -> str:
        return self.person_in(row, row.target, linked=False) if row.target.startswith("o") else row.given

    @column(_("recipient"))
    def recipient_in_full(self, row: R) -> str:
        return self.person_in(row, row.target, in_full=True)

    @column(_("as named"))
    def named(self, row: R) -> str:
        """What it was named by, and how; nothing where that says no more than the id."""
        if row.given == row.target:
            return EMPTY
        return format_html(
            '{} <span class="portal-subtle">{}</span>', row.given, RecipientKind(row.kind).label
        )

    @column(_("state"))
    def state_label(self, row: R) -> str:
        return state(RecipientState(row.state), RECIPIENT_COLOURS)

    @column(_("reason"))
    def failure(self, row: R) -> str:
        if row.code is not None:
            return label(row.code, "danger")
        return self.reason_of(row) or EMPTY

    @column(_("error"))
    def problem(self, row: R) -> str:
        return problem_of(row) if row.code is not None else self.reason_of(row) or problem_of(row)

    def reason_of(self, row: R) -> str:
        """What the portal itself has against the recipient, in words."""
        known = row.reason in set(RecipientProblem)
        return str(RecipientProblem(row.reason).label) if known else ""


def problem_of(row: Mailing | Recipient) -> str:
    """Cause and cure of the error that a row keeps."""
    if row.code is None and not row.reason:
        return row.said or EMPTY
    info = explain(row.code, row.reason).for_one_attempt
    return problem_block(info, said=row.said, log_id=row.log_id)
