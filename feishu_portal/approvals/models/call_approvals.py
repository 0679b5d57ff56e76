"""Calls that wait for a person's approval, and what became of them."""

import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from bots.models.synced_cards import SyncedCard
from core.access.models import ApiClient
from core.access.visibility import OwnedQuerySet
from core.vault.fields import EncryptedField
from feishu_portal.approvals.enums import OPEN_STATES, ApprovalState, Approved

COVERED: Final = timedelta(hours=1)
"""How long such calls go on where they were approved for an hour."""
_IS_OPEN = models.Q(state__in=OPEN_STATES)
_CARD_IS_OLD = models.Q(card_shows__lt=models.F("version"), card_given_up=False)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as the client sent it: path and query encoded, headers that are relayed."""

    path: str
    query: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """For an encrypted column."""
        return json.dumps([self.path, self.query, self.headers, base64.b64encode(self.body).decode()])

    @classmethod
    def read(cls, text: str) -> Self:
        path, query, headers, body = json.loads(text)
        return cls(path, query, tuple((name, value) for name, value in headers), base64.b64decode(body))


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the platform answered. ``body`` is None for one that is too long to be kept."""

    content_type: str
    body: bytes | None = field(repr=False)

    @property
    def text(self) -> str:
        """For an encrypted column."""
        body = None if self.body is None else base64.b64encode(self.body).decode()
        return json.dumps([self.content_type, body])

    @classmethod
    def read(cls, text: str) -> Self:
        content_type, body = json.loads(text)
        return cls(content_type, None if body is None else base64.b64decode(body))


class CallApprovalQuerySet(OwnedQuerySet["CallApproval"]):
    def open(self) -> Self:
        """Those that have not ended."""
        return self.filter(_IS_OPEN)

    def to_expire(self) -> Self:
        """Those that nobody has answered in time."""
        return self.filter(state=ApprovalState.ASKED, expires_at__lte=timezone.now())

    def to_send(self) -> Self:
        """Approved calls that may be sent now."""
        return self.filter(state=ApprovalState.APPROVED, due_at__lte=timezone.now())

    def standing(self) -> Self:
        """Approvals for an hour that let such calls through now."""
        return self.filter(covers_until__gt=timezone.now())

    def card_out_of_date(self) -> Self:
        """Those whose card is unsent or shows an earlier version, and whose bot may send."""
        return self.filter(_CARD_IS_OLD, bot__enabled=True, bot__deleted_at=None)


class CallApproval(SyncedCard):
    """One call that a rule of its API client asks about: who is asked, what they said, and what became of the call.

    The call itself and its answer are sealed, and are deleted when they have had their time. ``version`` counts the changes
    that the card can show, ``card_shows`` the one that it shows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="+", verbose_name=_("bot"), db_index=False
    )
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    """The client that called: it alone may read the answer."""
    caller = models.CharField(_("caller"), max_length=100)
    """The client's name at that time."""
    agent = models.CharField(_("agent"), max_length=200, blank=True)
    """What the agent is called that called, where a person connected that."""
    agent_key = models.CharField(max_length=36, blank=True, editable=False)
    """The primary key of that agent: once it is disconnected, nothing of it goes on."""
    tenant_key = models.CharField(_("tenant"), max_length=64, blank=True)
    open_id = models.CharField(_("open_id"), max_length=128)
    rule = models.CharField(_("rule"), max_length=1000)
    method = models.CharField(_("method"), max_length=7)
    path = models.CharField(_("path"), max_length=500)
    resources: models.JSONField[list[str]] = models.JSONField(_("resources"), default=list)
    """The ids and tokens that the call names, as ``field=token``."""
    call = EncryptedField(editable=False, bound_to="bot.destination")
    """A `StoredCall`, until the call has ended."""
    body_bytes = models.PositiveIntegerField(_("bytes of the body"), default=0)
    body_hash = models.CharField(_("SHA-256 of the body"), max_length=64, blank=True)
    call_hash = models.CharField(max_length=64, editable=False)
    """Of client, bot, person and all that the call is: the same for the same call sent again."""
    scope_hash = models.CharField(max_length=64, blank=True, editable=False)
    """Of what an approval for an hour covers: rule, method, path and resources; empty where they are not known."""

    state = models.CharField(
        _("state"), max_length=9, choices=ApprovalState.choices, default=ApprovalState.ASKED
    )
    approved = models.CharField(_("approved"), max_length=4, choices=Approved.choices, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    covers_until = models.DateTimeField(_("covers such calls until"), null=True, blank=True)
    covered = models.PositiveIntegerField(_("further calls"), default=0)
    """Calls that went on without a question since, because of this approval."""
    due_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    """To send the call; all but the last one ended before anything was sent."""
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)
    problem = models.CharField(_("problem"), max_length=60, blank=True)
    """A code of the REST API's errors: why there is no answer of the platform."""
    answer = EncryptedField(editable=False, bound_to="bot.destination")
    """A `StoredAnswer`, for an hour."""

    objects = CallApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("-asked_at",)
        constraints = (
            models.CheckConstraint(
                name="approval_state_known", condition=models.Q(state__in=ApprovalState.values)
            ),
            models.CheckConstraint(
                name="approval_kind_known", condition=models.Q(approved__in=["", *Approved.values])
            ),
            models.CheckConstraint(
                name="approval_keeps_call_while_open", condition=_IS_OPEN | models.Q(call="")
            ),
            models.UniqueConstraint(
                name="approval_open_once", fields=("call_hash",), condition=models.Q(state__in=OPEN_STATES)
            ),
        )
        indexes = (
            models.Index(name="approval_of_bot", fields=("bot", "-asked_at")),
            models.Index(name="approval_of_client", fields=("client", "state")),
            models.Index(name="approval_by_age", fields=("asked_at",)),
            models.Index(name="approval_of_person", fields=("bot", "open_id", "-asked_at")),
            models.Index(name="approval_of_call", fields=("call_hash", "-decided_at")),
            models.Index(
                name="approval_for_an_hour",
                fields=("scope_hash", "covers_until"),
                condition=models.Q(covers_until__isnull=False),
            ),
            models.Index(name="approval_open", fields=("state", "expires_at"), condition=_IS_OPEN),
            models.Index(name="approval_answer", fields=("finished_at",), condition=~models.Q(answer="")),
            models.Index(name="approval_card_old", fields=("card_retry_at",), condition=_CARD_IS_OLD),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_asked(self) -> bool:
        """Whether the person can still answer."""
        return self.state == ApprovalState.ASKED and self.expires_at > timezone.now()

    @property
    def is_standing(self) -> bool:
        """Whether such calls go on without a question now."""
        return self.covers_until is not None and self.covers_until > timezone.now()

    @property
    def is_hour_cut_short(self) -> bool:
        """Whether the hour was ended before it was over."""
        return bool(self.covers_until and self.decided_at and self.covers_until < self.decided_at + COVERED)

    @property
    def is_refused(self) -> bool:
        """Whether the platform answered that it does not carry out the call."""
        return self.state == ApprovalState.DONE and bool(self.code or (self.status or 0) >= 400)

    @property
    def stored_call(self) -> StoredCall:
        """Raises SealedValueError."""
        return StoredCall.read(self.call)

    @property
    def stored_answer(self) -> StoredAnswer | None:
        """None where there is none, or none any more. Raises SealedValueError."""
        return StoredAnswer.read(text) if (text := self.answer) else None
