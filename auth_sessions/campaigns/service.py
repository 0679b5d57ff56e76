"""A campaign from its list of people to its end: made, looked at, sent, reminded of. What is done with a mailing of any kind
is done by ``bots.mailings.service``.

resolving → ready → sending → done     everybody is looked up; an operator confirms; everybody is asked
done → sending                         a reminder: those who have not authorized are asked once more
ready, done → resolving or sending     those with whom it failed are looked up, or asked, again
any → cancelling → cancelled           open requests are withdrawn, their cards say so
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.domain.sessions import checked_scopes
from auth_sessions.enums import SessionState, Via
from auth_sessions.errors import RemindedTooOftenError
from auth_sessions.models import Campaign, CampaignMember
from bots.enums import MailingState, RecipientState
from bots.errors import BotDisabledError, MailingStateError
from bots.mailings.recipients import Named
from bots.mailings.service import begin, have_advanced, record
from bots.mailings.walk import recount
from bots.models import Bot
from core.access.actors import Actor
from core.database.text import storable

if TYPE_CHECKING:
    from django.db.models import QuerySet

MAX_CARD_DAYS: Final = 7
REMIND_AFTER: Final = timedelta(hours=1)
"""Since everybody was last asked."""
MAX_REMINDERS: Final = 20


@transaction.atomic
def create_campaign(
    *,
    bot: Bot,
    name: str,
    named: Sequence[Named],
    actor: Actor,
    scopes: Sequence[str] | None = None,
    why: str = "",
    via: Via | None = None,
    card_days: int = 3,
) -> Campaign:
    """Begin to look these people up; nobody is asked before ``send_cards``. Raises BotDisabledError, InvalidScopesError."""
    if not bot.enabled:
        raise BotDisabledError
    campaign = Campaign.objects.create(
        bot=bot,
        name=storable(name, 100),
        scopes=checked_scopes(bot.auth_scopes if scopes is None else scopes),
        why=storable(why, 200),
        via=via or "",
        card_days=max(1, min(card_days, MAX_CARD_DAYS)),
        requested_by=str(actor),
        operator_id=actor.operator_id,
        client_id=actor.client_id,
    )
    begin(CAMPAIGNS, campaign, named, actor=actor, scopes=campaign.scopes)
    return campaign


@transaction.atomic
def send_cards(campaign: Campaign, *, actor: Actor) -> None:
    """Ask everybody who is to be asked. Raises MailingStateError where people are still looked up, or it was sent before."""
    if not campaign.count(RecipientState.READY):
        raise MailingStateError
    row = Campaign.objects.filter(pk=campaign.pk, state=MailingState.READY)
    now = timezone.now()
    if not row.update(state=MailingState.SENDING, started_at=now, next_step_at=now):
        raise MailingStateError
    record(CAMPAIGNS, campaign, "started", actor, people=campaign.count(RecipientState.READY))
    have_advanced(CAMPAIGNS, campaign)


@transaction.atomic
def remind(campaign: Campaign, *, actor: Actor) -> int:
    """Ask those once more who were asked and have neither authorized nor declined; returns how many. Raises
    MailingStateError where cards are still being sent, RemindedTooOftenError."""
    row = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    now = timezone.now()
    if row.state != MailingState.DONE:
        raise MailingStateError
    if row.round >= MAX_REMINDERS or now < (row.finished_at or now) + REMIND_AFTER:
        raise RemindedTooOftenError
    people = to_remind(row).update(state=RecipientState.READY)
    if people:
        Campaign.objects.filter(pk=row.pk).update(
            state=MailingState.SENDING,
            round=row.round + 1,
            reminded_at=now,
            started_at=now,
            finished_at=None,
            next_step_at=now,
        )
        recount(CAMPAIGNS, row.pk)
        record(CAMPAIGNS, campaign, "reminded", actor, people=people)
        have_advanced(CAMPAIGNS, row)
    return people


def to_remind(campaign: Campaign) -> "QuerySet[CampaignMember]":
    """Whom a reminder is for: who was asked, and has neither authorized nor declined."""
    asked = CampaignMember.objects.filter(
        mailing=campaign, state=RecipientState.SENT, authorized_at__isnull=True
    )
    # Not exclude(): a request that is no longer kept has no state, and its person has not declined as far as is known.
    declined = CampaignMember.objects.filter(mailing=campaign, session__state=SessionState.DENIED)
    return asked.exclude(pk__in=declined.values("pk"))
