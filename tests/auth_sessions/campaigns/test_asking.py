from collections.abc import Callable

import pytest
from django.db import transaction

from auth_sessions.campaigns.asking import CAMPAIGNS, note_grant
from auth_sessions.campaigns.service import remind, send_cards
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.models import AuthSession, Campaign, CampaignMember
from bots.enums import MailingState, RecipientState
from bots.mailings import walk
from bots.mailings.service import cancel
from bots.models import Bot
from core.access.actors import SYSTEM
from tests.auth_sessions.campaigns.conftest import walked
from tests.factories import make_grant

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Campaign]


def member(open_id: str = "ou_1") -> CampaignMember:
    return CampaignMember.objects.select_related("mailing", "session").get(target=open_id)


def sent(campaign: Campaign) -> Campaign:
    send_cards(campaign, actor=SYSTEM)
    return walked(campaign)


def note(session: AuthSession, *scopes: str) -> None:
    with transaction.atomic():
        note_grant(session, scopes=scopes)


def test_same_person_is_asked_once_in_a_round_however_often_it_is_tried(make_campaign: Make) -> None:
    campaign = make_campaign("ou_1")
    for _ in range(3):
        CAMPAIGNS.send(campaign, member())
        CampaignMember.objects.update(state=RecipientState.READY)
    assert AuthSession.objects.count() == 1


def test_campaign_that_is_cancelled_while_it_asks_leaves_no_request(make_campaign: Make) -> None:
    campaign, found = make_campaign("ou_1"), member()
    cancel(CAMPAIGNS, campaign, actor=SYSTEM)
    CAMPAIGNS.send(campaign, found)
    assert not AuthSession.objects.exists()
    assert member().state == RecipientState.CANCELLED


def test_person_who_cannot_be_asked_has_failed_and_the_others_are_asked(
    make_campaign: Make, settings
) -> None:
    campaign = make_campaign("ou_1")
    Campaign.objects.update(via="browser")
    settings.PUBLIC_URL = ""
    campaign = sent(campaign)
    assert (member().state, member().reason) == (RecipientState.FAILED, "no_public_url")
    assert campaign.state == MailingState.DONE


def test_authorization_by_the_campaigns_own_card_counts_once(make_campaign: Make) -> None:
    campaign = sent(make_campaign("ou_1", "ou_2"))
    session = member().session
    assert session is not None
    note(session, "offline_access")
    note(session, "offline_access")
    campaign.refresh_from_db()
    assert campaign.authorized == 1
    assert member("ou_2").authorized_at is None


@pytest.mark.parametrize(("scopes", "counts"), [(("offline_access",), 0), (None, 1)])
def test_authorization_by_another_card_counts_where_it_gives_enough(
    scopes: tuple[str, ...] | None, counts: int, make_campaign: Make, bot: Bot
) -> None:
    campaign = sent(make_campaign("ou_1"))
    other = request_authorization(bot=bot, open_id="ou_1", actor=SYSTEM)
    note(other, *(bot.auth_scopes if scopes is None else scopes))
    campaign.refresh_from_db()
    assert campaign.authorized == counts


def test_who_authorizes_while_a_reminder_is_on_its_way_gets_none(
    make_campaign: Make, bot: Bot, monkeypatch
) -> None:
    monkeypatch.setattr("auth_sessions.campaigns.service.REMIND_AFTER", -walk.CLAIM)
    campaign = sent(make_campaign("ou_1"))
    remind(campaign, actor=SYSTEM)
    session = member().session
    assert session is not None
    make_grant(bot, open_id="ou_1", scopes=bot.auth_scopes)
    note(session, *bot.auth_scopes)
    campaign = walked(campaign)
    assert (campaign.authorized, campaign.counts) == (1, {"sent": 1})
    assert AuthSession.objects.count() == 1
