from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.campaigns.service import (
    create_campaign,
    remind,
    send_cards,
    to_remind,
)
from auth_sessions.domain.sessions import end_session
from auth_sessions.enums import FailureReason, SessionState, TokenStatus
from auth_sessions.errors import InvalidScopesError, RemindedTooOftenError
from auth_sessions.models import AuthSession, Campaign, CampaignMember
from bots.enums import MailingState, RecipientState
from bots.errors import BotDisabledError, MailingStateError
from bots.mailings.recipients import Named
from bots.mailings.service import cancel, retry
from bots.models import Bot
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from tests.auth_sessions.campaigns.conftest import walked
from tests.factories import make_grant

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Campaign]


def sessions_of(open_id: str) -> list[AuthSession]:
    return list(AuthSession.objects.filter(open_id=open_id).order_by("created_at"))


def later(campaign: Campaign) -> None:
    """As if everybody had been asked yesterday."""
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=timezone.now() - timedelta(days=1))


def sent(campaign: Campaign, actor: Actor = SYSTEM) -> Campaign:
    send_cards(campaign, actor=actor)
    return walked(campaign)


def test_nobody_is_asked_before_it_is_confirmed(
    make_campaign: Make, actor: Actor, no_broker: list[str]
) -> None:
    campaign = make_campaign("ou_1", "ou_2")
    assert (campaign.state, campaign.counts) == (MailingState.READY, {"ready": 2})
    assert not AuthSession.objects.exists()
    campaign = sent(campaign, actor)
    assert (campaign.state, campaign.counts) == (MailingState.DONE, {"sent": 2})
    (session,) = sessions_of("ou_1")
    assert (session.why, session.requested_by, session.operator_id) == (
        "booking",
        "operator:lin",
        actor.operator_id,
    )
    assert session.expires_at > timezone.now() + timedelta(days=2, hours=23)
    assert str(session.pk) in no_broker
    deeds = AuditEntry.objects.filter(action__startswith="campaign.").values_list("action", "target")
    assert set(deeds) == {("campaign.created", "Calendars"), ("campaign.started", "Calendars")}


def test_who_has_authorized_already_is_left_out(make_campaign: Make, bot: Bot) -> None:
    make_grant(bot, open_id="ou_1", scopes=bot.auth_scopes)
    make_grant(bot, open_id="ou_2", scopes=["offline_access"])
    make_grant(bot, open_id="ou_3", scopes=bot.auth_scopes, status=TokenStatus.NEEDS_REAUTH)
    campaign = make_campaign("ou_1", "ou_2", "ou_3")
    assert campaign.counts == {"left_out": 1, "ready": 2}
    make_grant(bot, open_id="ou_4", scopes=bot.auth_scopes)
    sent(campaign)
    assert not sessions_of("ou_1")


def test_it_is_sent_once(make_campaign: Make) -> None:
    campaign = sent(make_campaign("ou_1"))
    with pytest.raises(MailingStateError):
        send_cards(campaign, actor=SYSTEM)
    assert len(sessions_of("ou_1")) == 1


def test_campaign_of_nobody_cannot_be_sent(make_campaign: Make, bot: Bot) -> None:
    make_grant(bot, open_id="ou_1", scopes=bot.auth_scopes)
    with pytest.raises(MailingStateError):
        send_cards(make_campaign("ou_1"), actor=SYSTEM)


def test_what_could_not_be_asked_is_no_campaign(bot: Bot) -> None:
    with pytest.raises(InvalidScopesError):
        create_campaign(bot=bot, name="x", named=[Named.by_look("ou_1")], actor=SYSTEM, scopes=["no scope"])
    bot.enabled = False
    with pytest.raises(BotDisabledError):
        create_campaign(bot=bot, name="x", named=[Named.by_look("ou_1")], actor=SYSTEM)
    assert not Campaign.objects.exists()


def test_reminder_is_for_those_who_have_neither_authorized_nor_declined(
    make_campaign: Make, actor: Actor
) -> None:
    campaign = sent(make_campaign("ou_yes", "ou_no", "ou_silent", "ou_unreached"))
    CampaignMember.objects.filter(target="ou_yes").update(authorized_at=timezone.now())
    end_session(sessions_of("ou_no")[0], state=SessionState.DENIED, actor=SYSTEM)
    end_session(
        sessions_of("ou_unreached")[0],
        state=SessionState.FAILED,
        reason=FailureReason.CARD_NOT_SENT,
        actor=SYSTEM,
    )
    later(campaign)
    assert remind(campaign, actor=actor) == 2
    walked(campaign)
    assert [session.state for session in sessions_of("ou_silent")] == [
        SessionState.SUPERSEDED,
        SessionState.PENDING,
    ]
    assert [len(sessions_of(open_id)) for open_id in ("ou_yes", "ou_no", "ou_unreached")] == [1, 1, 2]
    assert AuditEntry.objects.get(action="campaign.reminded").detail["people"] == 2


def test_nobody_is_reminded_at_once_or_while_cards_are_sent(make_campaign: Make) -> None:
    campaign = sent(make_campaign("ou_1"))
    with pytest.raises(RemindedTooOftenError):
        remind(campaign, actor=SYSTEM)
    later(campaign)
    assert remind(campaign, actor=SYSTEM) == 1
    with pytest.raises(MailingStateError):
        remind(campaign, actor=SYSTEM)


def test_people_whose_request_is_no_longer_kept_are_reminded(make_campaign: Make) -> None:
    campaign = sent(make_campaign("ou_1"))
    AuthSession.objects.all().delete()
    assert to_remind(campaign).count() == 1


def test_cancelling_withdraws_what_is_open_and_leaves_what_was_given(make_campaign: Make) -> None:
    campaign = sent(make_campaign("ou_yes", "ou_silent"))
    AuthSession.objects.filter(open_id="ou_yes").update(state=SessionState.AUTHORIZED)
    assert cancel(CAMPAIGNS, campaign, actor=SYSTEM)
    campaign = walked(campaign)
    assert campaign.state == MailingState.CANCELLED
    assert sessions_of("ou_silent")[0].state == SessionState.CANCELLED
    assert sessions_of("ou_yes")[0].state == SessionState.AUTHORIZED
    assert not cancel(CAMPAIGNS, campaign, actor=SYSTEM)


def test_campaign_that_is_cancelled_before_it_is_sent_asks_nobody(make_campaign: Make) -> None:
    campaign = make_campaign("ou_1")
    cancel(CAMPAIGNS, campaign, actor=SYSTEM)
    assert walked(campaign).counts == {"cancelled": 1}
    with pytest.raises(MailingStateError):
        send_cards(campaign, actor=SYSTEM)
    assert not AuthSession.objects.exists()


def test_failed_people_are_tried_again(make_campaign: Make) -> None:
    campaign = make_campaign("ou_1", "ou_2")
    CampaignMember.objects.filter(target="ou_1").update(state=RecipientState.FAILED, reason="no_public_url")
    campaign = sent(campaign)
    assert campaign.counts == {"failed": 1, "sent": 1}
    assert retry(CAMPAIGNS, campaign, actor=SYSTEM) == 1
    assert walked(campaign).counts == {"sent": 2}
    assert retry(CAMPAIGNS, campaign, actor=SYSTEM) == 0
