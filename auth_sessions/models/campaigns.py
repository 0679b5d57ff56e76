"""Authorization campaigns: many people who are asked for the same, and who of them has given it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import Via
from auth_sessions.models.sessions import AuthSession
from bots.enums import MOVING_MAILINGS, MailingState, RecipientKind, RecipientState
from bots.models.mailings import Mailing, MailingQuerySet, Recipient, RecipientQuerySet


class CampaignQuerySet(MailingQuerySet["Campaign"]):
    """Campaigns of bots."""


class Campaign(Mailing):
    """``round`` counts the cards that each person may have had: 0 the first, then the reminders. ``authorized``: how many of
    those who were asked have authorized."""

    name = models.CharField(_("name"), max_length=100)
    scopes: models.JSONField[list[str]] = models.JSONField(_("scopes"), default=list)
    why = models.CharField(_("purpose"), max_length=200, blank=True)
    via = models.CharField(_("consent"), max_length=7, choices=Via.choices, blank=True)
    """Empty: in the browser or by device code, as the bot asks."""
    card_days = models.PositiveSmallIntegerField(_("cards valid for (days)"), default=3)
    round = models.PositiveSmallIntegerField(default=0, editable=False)
    reminded_at = models.DateTimeField(_("reminded"), null=True)
    authorized = models.PositiveIntegerField(_("authorized"), default=0)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("authorization campaign")
        verbose_name_plural = _("authorization campaigns")
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                name="campaign_state_known", condition=models.Q(state__in=MailingState.values)
            ),
        )
        indexes = (
            models.Index(name="campaign_newest", fields=("-created_at", "-id")),
            models.Index(name="campaign_of_bot", fields=("bot", "-created_at", "-id")),
            models.Index(
                name="campaign_moving",
                fields=("created_at",),
                condition=models.Q(state__in=MOVING_MAILINGS),
            ),
        )

    def __str__(self) -> str:
        return self.name


class CampaignMemberQuerySet(RecipientQuerySet["CampaignMember"]):
    owned_by: ClassVar[str] = "mailing__bot__owners"

    def people(self) -> "CampaignMemberQuerySet":
        """Without the departments that were named, whose people stand for themselves."""
        return self.exclude(state=RecipientState.EXPANDED)


class CampaignMember(Recipient):
    """One person of a campaign."""

    mailing = models.ForeignKey(
        Campaign,
        on_delete=models.CASCADE,
        related_name="members",
        verbose_name=_("authorization campaign"),
        db_index=False,
    )
    session = models.ForeignKey(
        AuthSession,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("authorization session"),
    )
    """The last request that the campaign made."""
    authorized_at = models.DateTimeField(_("authorized"), null=True)
    """When the person gave what the campaign asks for, by its card or by another one."""

    objects = CampaignMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("person of a campaign")
        verbose_name_plural = _("people of campaigns")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="campaign_member_once", fields=("mailing", "target"), condition=~models.Q(target="")
            ),
            models.CheckConstraint(
                name="campaign_member_state_known", condition=models.Q(state__in=RecipientState.values)
            ),
            models.CheckConstraint(
                name="campaign_member_kind_known", condition=models.Q(kind__in=RecipientKind.values)
            ),
        )
        indexes = (
            models.Index(name="campaign_member_state", fields=("mailing", "state", "id")),
            models.Index(name="campaign_member_person", fields=("bot", "target")),
        )
