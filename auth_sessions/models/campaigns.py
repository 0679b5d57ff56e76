"""Authorization campaigns: many people who are asked for the same, and who of them has given it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import Via
from auth_sessions.models.sessions import AuthSession
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

    class Meta(Mailing.Meta):
        verbose_name = _("authorization campaign")
        verbose_name_plural = _("authorization campaigns")

    def __str__(self) -> str:
        return self.name


class CampaignMemberQuerySet(RecipientQuerySet["CampaignMember"]):
    """People of campaigns."""


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

    class Meta(Recipient.Meta):
        verbose_name = _("person of a campaign")
        verbose_name_plural = _("people of campaigns")
