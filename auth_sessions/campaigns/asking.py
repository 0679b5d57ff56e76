"""What a campaign does with each of its people: asks them, unless they have authorized already, once in each round."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from auth_sessions.domain.sessions import cancel_session, request_authorization
from auth_sessions.domain.tokens.scopes import lacking
from auth_sessions.enums import OPEN_STATES, TokenStatus, Via
from auth_sessions.errors import AuthError
from auth_sessions.models import AuthSession, Campaign, CampaignMember, UserToken
from bots.enums import MailingState, RecipientState
from bots.mailings.outcome import NO_FAILURE
from bots.mailings.walk import Mailer

WITHDRAWN_AT_ONCE: Final = 20
CHECKED_AT_ONCE: Final = 500


class CampaignMailer(Mailer[Campaign, CampaignMember]):
    """Asks for authorizations. A request has the campaign's key, its round and its person in ``request_key``, and the card
    that the platform sends once for the request."""

    mailings: ClassVar[type[Any]] = Campaign
    recipients: ClassVar[type[Any]] = CampaignMember
    task: ClassVar[str] = "auth_sessions.advance_campaign"
    noun: ClassVar[str] = "campaign"
    withdraws: ClassVar[bool] = True

    def resolved(self, mailing: Campaign) -> MailingState:
        """Those who have authorized already are left out; one that was confirmed before goes on, another one waits for it."""
        ready = list(self.of(mailing).filter(state=RecipientState.READY).values_list("target", flat=True))
        for start in range(0, len(ready), CHECKED_AT_ONCE):
            done = authorized_among(mailing, ready[start : start + CHECKED_AT_ONCE])
            self.of(mailing).filter(target__in=done, state=RecipientState.READY).update(
                state=RecipientState.LEFT_OUT
            )
        return MailingState.SENDING if mailing.started_at else MailingState.READY

    def send(self, mailing: Campaign, recipient: CampaignMember) -> dict[str, Any]:
        """Ask; the card is sent after the commit. Raises BotDisabledError."""
        if authorized_among(mailing, [recipient.target]):
            # By another card while a reminder was on its way: it counts, and there is nothing to ask for.
            return {"state": RecipientState.SENT if recipient.session_id else RecipientState.LEFT_OUT}
        try:
            with transaction.atomic():
                session = request_authorization(
                    bot=mailing.bot,
                    open_id=recipient.target,
                    actor=mailing.actor,
                    scopes=mailing.scopes,
                    why=mailing.why,
                    via=Via(mailing.via) if mailing.via else None,
                    request_key=f"campaign:{mailing.pk}:{mailing.round}:{recipient.target}"[:200],
                    lifetime=timedelta(days=mailing.card_days),
                )
                # A campaign that was cancelled meanwhile asks nobody: the request is rolled back with its card.
                mine = CampaignMember.objects.filter(pk=recipient.pk, state=RecipientState.READY)
                if not mine.update(session=session, state=RecipientState.SENT, **NO_FAILURE):
                    transaction.set_rollback(True)
        except AuthError as error:
            return {"state": RecipientState.FAILED, "reason": error.code[:40]}
        return {"state": RecipientState.SENT}

    def withdraw(self, mailing: Campaign) -> bool:
        """Cancel some of the open requests."""
        asked = CampaignMember.objects.filter(mailing=mailing, session__state__in=OPEN_STATES)
        open_sessions = AuthSession.objects.filter(pk__in=asked.values("session")[:WITHDRAWN_AT_ONCE])
        for session in open_sessions.select_related("bot"):
            cancel_session(session, actor=mailing.actor)
        return not asked.exists()


CAMPAIGNS: Final = CampaignMailer()


def authorized_among(campaign: Campaign, open_ids: list[str]) -> list[str]:
    """Those of these people who have given the campaign's bot what it asks for, and need not be asked."""
    grants = UserToken.objects.filter(
        bot=campaign.bot_id, open_id__in=open_ids, status=TokenStatus.ACTIVE
    ).only("open_id", "scopes")
    return [grant.open_id for grant in grants if not lacking(grant, campaign.scopes)]


def note_grant(session: AuthSession, *, scopes: Sequence[str]) -> None:
    """A person has authorized by ``session``: write it down in the campaigns that asked them for it, or for no more. Call in
    the transaction that stores the grant."""
    asked = CampaignMember.objects.filter(
        bot=session.bot_id,
        target=session.open_id,
        authorized_at__isnull=True,
        session__isnull=False,
        state__in=(RecipientState.READY, RecipientState.SENT),
    )
    granted = set(scopes)
    for member in asked.select_related("mailing"):
        if member.session_id != session.pk and not granted >= set(member.mailing.scopes):
            continue
        mine = CampaignMember.objects.filter(pk=member.pk, authorized_at__isnull=True)
        if mine.update(authorized_at=timezone.now()):
            Campaign.objects.filter(pk=member.mailing_id).update(authorized=F("authorized") + 1)
