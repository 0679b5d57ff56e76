"""What is sent to many: a mailing and its recipients, of which campaigns and batches of messages are kinds."""

import uuid
from dataclasses import replace
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.enums import MOVING_MAILINGS, MailingState, RecipientKind, RecipientState
from bots.models.bots import Bot
from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.actors import Actor
from core.access.models import ApiClient, User
from core.access.visibility import OwnedQuerySet
from core.database.among import among

M = TypeVar("M", bound="Mailing")
R = TypeVar("R", bound="Recipient")


class MailingQuerySet(OwnedQuerySet[M]):
    def moving(self) -> Self:
        """Those with which the portal has something to do."""
        return self.filter(among("state", MOVING_MAILINGS))


class RecipientQuerySet(OwnedQuerySet[R]):
    owned_by: ClassVar[str] = "mailing__bot__owners"

    def addressees(self) -> Self:
        """Without the departments that were named, whose people stand for themselves."""
        return self.exclude(state=RecipientState.EXPANDED)


class Mailing(models.Model):
    """Something for many people, walked step by step by whichever worker claims it (``bots.mailings.walk``).

    ``next_step_at`` is the claim: nobody else advances the row before. ``counts`` has how many recipients are in which state,
    written after each step, so that lists need not count. The error is that of the last step, empty after one that succeeded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="+", verbose_name=_("bot"), db_index=False
    )
    state = models.CharField(
        _("state"), max_length=10, choices=MailingState.choices, default=MailingState.RESOLVING
    )
    requested_by = models.CharField(_("requested by"), max_length=MAX_ACTOR)
    operator = models.ForeignKey(
        User,
        verbose_name=_("operator"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    """The operator who asked, where one did; ``requested_by`` stays when the account is deleted."""
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    counts: models.JSONField[dict[str, int]] = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("began"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    next_step_at = models.DateTimeField(default=timezone.now, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    """In a row."""
    code = models.BigIntegerField(_("platform code"), null=True)
    reason = models.CharField(max_length=40, blank=True, editable=False)
    said = models.CharField(_("error"), max_length=300, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    class Meta:
        abstract = True
        ordering = ("-created_at", "-id")
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                name="%(class)s_state_known", condition=models.Q(state__in=MailingState.values)
            ),
        )
        indexes = (
            models.Index(name="%(class)s_newest", fields=("-created_at", "-id")),
            models.Index(name="%(class)s_of_bot", fields=("bot", "-created_at", "-id")),
            models.Index(
                name="%(class)s_moving",
                fields=("created_at",),
                condition=models.Q(state__in=MOVING_MAILINGS),
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_moving(self) -> bool:
        """Whether the portal has something to do with it."""
        return self.state in MOVING_MAILINGS

    @property
    def actor(self) -> Actor:
        """Who asked, for what is done in their name."""
        return replace(Actor.read(self.requested_by), key=self.operator_id or self.client_id)

    def count(self, *states: RecipientState) -> int:
        """How many recipients are in one of these states, as of the last step."""
        return sum(self.counts.get(state, 0) for state in states)


class Recipient(models.Model):
    """One recipient as it was named, or a person of a department that was.

    ``target`` is what the platform is sent to: an open_id, of a chat its chat_id; empty until it is known. In a mailing each
    stands once. ``is_direct`` False: a department below one that was named, whose own departments are listed already.
    ``cursor``: how far the people of a department are listed.
    """

    mailing: Any
    """The foreign key of the subclass, by which the walk finds a mailing's recipients."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="+", verbose_name=_("bot"), db_index=False
    )
    kind = models.CharField(_("named by"), max_length=10, choices=RecipientKind.choices)
    given = models.CharField(_("as named"), max_length=254)
    target = models.CharField(_("recipient"), max_length=128, blank=True)
    state = models.CharField(
        _("state"), max_length=9, choices=RecipientState.choices, default=RecipientState.WAITING
    )
    is_direct = models.BooleanField(default=True, editable=False)
    cursor = models.CharField(max_length=500, blank=True, editable=False)
    code = models.BigIntegerField(_("platform code"), null=True)
    reason = models.CharField(max_length=40, blank=True, editable=False)
    said = models.CharField(_("error"), max_length=300, blank=True)
    log_id = models.CharField(_("platform log ID"), max_length=128, blank=True)

    class Meta:
        abstract = True
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="%(class)s_once", fields=("mailing", "target"), condition=~models.Q(target="")
            ),
            models.CheckConstraint(
                name="%(class)s_state_known", condition=models.Q(state__in=RecipientState.values)
            ),
            models.CheckConstraint(
                name="%(class)s_kind_known", condition=models.Q(kind__in=RecipientKind.values)
            ),
        )
        indexes = (
            models.Index(name="%(class)s_state", fields=("mailing", "state", "id")),
            models.Index(name="%(class)s_person", fields=("bot", "target")),
        )

    def __str__(self) -> str:
        return self.given
