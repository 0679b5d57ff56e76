"""Deliveries: one event for one subscription, and the attempts of each."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from events.enums import AttemptOutcome, DeliveryFailure, DeliveryStatus
from events.models.claims import WAITING, Attempt, Claimable, ClaimableQuerySet
from events.models.subscriptions import Subscription


class DeliveryQuerySet(ClaimableQuerySet["Delivery"]):
    pass


class Delivery(Claimable):
    """One event for one subscription. Its number is what receivers know it by."""

    # Without an index of its own: several of those below begin with it.
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        editable=False,
        verbose_name=_("subscription"),
        db_index=False,
    )
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    failure = models.CharField(_("cause"), max_length=13, choices=DeliveryFailure.choices, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("id",)
        default_related_name = "deliveries"
        default_permissions = ()  # shown with its event and its subscription
        constraints = (
            models.UniqueConstraint(
                name="delivery_once_per_round", fields=("event", "subscription", "round")
            ),
            models.CheckConstraint(
                name="delivery_status_known", condition=models.Q(status__in=DeliveryStatus.values)
            ),
        )
        indexes = (
            models.Index(
                name="delivery_due",
                fields=("subscription", "run_at"),
                condition=models.Q(status__in=WAITING),
            ),
            models.Index(
                name="delivery_waiting",
                fields=("subscription", "id"),
                condition=models.Q(status__in=WAITING),
            ),
            models.Index(name="delivery_newest", fields=("subscription", "-id")),
            models.Index(
                name="delivery_running",
                fields=("lease_until",),
                condition=models.Q(status=DeliveryStatus.RUNNING),
            ),
            # The dead in the order of their events, as the log lists them.
            models.Index(
                name="delivery_dead_alike",
                fields=("subscription", "fingerprint", "-event"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_dead_of_receiver",
                fields=("subscription", "-event"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_dead_newest",
                fields=("-id",),
                include=("subscription", "fingerprint", "bot"),
                condition=models.Q(status=DeliveryStatus.DEAD, is_current=True),
            ),
            models.Index(
                name="delivery_replay", fields=("replay",), condition=models.Q(replay__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.subscription_id} ({self.status})"


class DeliveryAttempt(Attempt):
    """One attempt of a delivery, with the beginning of the receiver's response."""

    delivery = models.ForeignKey(
        Delivery,
        on_delete=models.CASCADE,
        related_name="attempt_log",
        verbose_name=_("delivery"),
        db_index=False,
    )
    status_code = models.PositiveSmallIntegerField(_("status code"), null=True, blank=True)
    response = models.CharField(_("response"), max_length=1000, blank=True)

    class Meta(Attempt.Meta):
        constraints = (
            models.UniqueConstraint(name="delivery_attempt_once", fields=("delivery", "number")),
            models.CheckConstraint(
                name="delivery_attempt_outcome_known", condition=models.Q(outcome__in=AttemptOutcome.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number}"
