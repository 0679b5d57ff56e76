"""How the people of a campaign answered: who has authorized, who has not."""

from dataclasses import dataclass
from typing import Final

from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import SessionState
from auth_sessions.models import Campaign, CampaignMember
from bots.enums import RecipientState


class CampaignAnswer(models.TextChoices):
    AUTHORIZED = "authorized", _("Authorized")
    WAITING = "waiting", _("Not authorized yet")
    DECLINED = "declined", _("Declined")
    FAILED = "failed", _("Failed")


_NOT_AUTHORIZED: Final = Q(authorized_at__isnull=True)
_ENDED_BADLY: Final = (SessionState.DENIED, SessionState.FAILED)
CONDITIONS: Final = {
    CampaignAnswer.AUTHORIZED: Q(authorized_at__isnull=False),
    # A request that is no longer kept has no state: as far as is known its person has not answered.
    CampaignAnswer.WAITING: _NOT_AUTHORIZED
    & Q(state=RecipientState.SENT)
    & (Q(session__isnull=True) | ~Q(session__state__in=_ENDED_BADLY)),
    CampaignAnswer.DECLINED: _NOT_AUTHORIZED
    & Q(state=RecipientState.SENT, session__state=SessionState.DENIED),
    CampaignAnswer.FAILED: _NOT_AUTHORIZED
    & (Q(state=RecipientState.FAILED) | Q(state=RecipientState.SENT, session__state=SessionState.FAILED)),
}
"""Of a campaign's members, by answer; members that were not asked are in none."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How many."""

    authorized: int
    waiting: int
    declined: int
    failed: int


def count_answers(campaign: Campaign) -> Answers:
    """One query over the campaign's people."""
    counted = CampaignMember.objects.filter(mailing=campaign).aggregate(
        **{answer.value: Count("pk", filter=condition) for answer, condition in CONDITIONS.items()}
    )
    return Answers(**counted)


def answer_of(member: CampaignMember) -> CampaignAnswer | None:
    """The same of one member, with its session loaded; None for one that was not asked."""
    if member.authorized_at is not None:
        return CampaignAnswer.AUTHORIZED
    if member.state == RecipientState.FAILED:
        return CampaignAnswer.FAILED
    if member.state != RecipientState.SENT:
        return None
    match member.session and member.session.state:
        case SessionState.DENIED:
            return CampaignAnswer.DECLINED
        case SessionState.FAILED:
            return CampaignAnswer.FAILED
        case _:
            return CampaignAnswer.WAITING
