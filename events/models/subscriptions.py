"""Internal systems that want events: pushed to an address of theirs, or fetched by them."""

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.access.roles import MANAGING
from core.access.visibility import OwnedQuerySet
from core.vault.fields import EncryptedField
from events.enums import COLLECTING, POSTED, SENDING, SubscriptionKind, SubscriptionState

if TYPE_CHECKING:
    from core.access.models import User

MAX_PER_SECOND = 1000


class SubscriptionQuerySet(OwnedQuerySet["Subscription"]):
    owned_by: ClassVar[str] = "owner"

    def visible_to(self, user: "User") -> Self:
        """Without those that were removed."""
        return super().visible_to(user).filter(removed_at=None)

    def collecting(self, bot: Bot) -> Self:
        """Subscriptions that get the events of ``bot``."""
        return self._reaching(bot).exclude(kind=SubscriptionKind.ANSWER)

    def answering(self, bot: Bot) -> Self:
        """Subscriptions that answer callbacks of ``bot``, in the order in which their receivers are asked."""
        return self._reaching(bot).filter(kind=SubscriptionKind.ANSWER).order_by("created_at", "pk")

    def _reaching(self, bot: Bot) -> Self:
        """Subscriptions that are on, with ``bot`` among theirs and still one of their owner's, who may still manage it."""
        owns = models.Q(owner__is_superuser=True) | models.Q(owner__in=bot.owners.all())
        wants = models.Q(all_bots=True) | models.Q(pk__in=bot.subscriptions.values("pk"))
        return self.filter(
            owns,
            wants,
            state__in=COLLECTING,
            removed_at=None,
            owner__is_active=True,
            owner__role__in=MANAGING,
        )

    def sending(self) -> Self:
        """Subscriptions that deliveries may be pushed to now: within their rate, and where the circuit breaker is open, at the
        time of its probe."""
        now = timezone.now()
        paced = models.Q(next_start_at=None) | models.Q(next_start_at__lte=now)
        probed = ~models.Q(state=SubscriptionState.FAILING) | models.Q(probe_at__lte=now)
        return self.filter(
            paced,
            probed,
            kind__in=POSTED,
            state__in=SENDING,
            removed_at=None,
            owner__is_active=True,
            owner__role__in=MANAGING,
        )


class Subscription(models.Model):
    """Which events an internal system gets, and how.

    ``failures`` counts failed attempts in a row, whichever events they were for (see ``subscriptions.circuit_breaker``). A
    removed subscription keeps its row as long as there are deliveries of it: they are part of their events' lives.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="subscriptions",
        verbose_name=_("owner"),
    )
    all_bots = models.BooleanField(
        _("all bots"),
        default=False,
        help_text=_("Every bot of the owner of this subscription, also those added later."),
    )
    bots = models.ManyToManyField(Bot, blank=True, related_name="subscriptions", verbose_name=_("bots"))
    event_types: models.JSONField[list[str]] = models.JSONField(_("event types"), default=list)
    filter: models.JSONField[list[str]] = models.JSONField(_("filter"), default=list, blank=True)
    kind = models.CharField(
        _("delivery"), max_length=6, choices=SubscriptionKind.choices, default=SubscriptionKind.PUSH
    )
    url = models.CharField(_("address"), max_length=500, blank=True)
    secret = EncryptedField(_("signing secret"), editable=False)
    previous_secret = EncryptedField(editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    expand = models.BooleanField(
        _("with messages referred to"),
        default=False,
        help_text=_(
            "With a message come those that were forwarded in it and the one that it answers, fetched once for the event; needs "
            "im:message:readonly or im:message. Where that fails, the event comes without, and says why."
        ),
    )
    per_second = models.PositiveSmallIntegerField(
        _("pushes a second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PER_SECOND)],
        help_text=_("At most so many; as many as the receiver takes when empty."),
    )
    state = models.CharField(
        _("state"),
        max_length=7,
        choices=SubscriptionState.choices,
        default=SubscriptionState.ACTIVE,
        editable=False,
    )
    state_since = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    probe_at = models.DateTimeField(_("next probe"), null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    last_failure_at = models.DateTimeField(_("last failure"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, editable=False)
    served_at = models.DateTimeField(null=True, editable=False)
    next_start_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ("name", "created_at")
        constraints = (
            models.CheckConstraint(
                name="subscription_kind_known", condition=models.Q(kind__in=SubscriptionKind.values)
            ),
            models.CheckConstraint(
                name="subscription_state_known", condition=models.Q(state__in=SubscriptionState.values)
            ),
            models.CheckConstraint(
                name="subscription_push_has_address",
                condition=models.Q(kind=SubscriptionKind.PULL) | ~models.Q(url=""),
                violation_error_message=_("The receiver has an address: enter it."),
            ),
            models.CheckConstraint(
                name="subscription_rate_positive",
                condition=models.Q(per_second=None) | models.Q(per_second__gte=1),
            ),
        )
        indexes = (
            models.Index(
                name="subscription_sending",
                fields=("served_at",),
                condition=models.Q(kind__in=POSTED, removed_at=None),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> list[str]:
        """What deliveries are signed with: the secret, and the previous one while it is still valid."""
        previous_is_valid = self.previous_until is not None and self.previous_until > timezone.now()
        return [self.secret, *([self.previous_secret] if previous_is_valid and self.previous_secret else [])]
