"""Campaigns whose people are asked without pauses, and the tasks that were asked for."""

from collections.abc import Callable

import pytest

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.campaigns.service import create_campaign
from auth_sessions.models import Campaign
from bots.enums import MailingState
from bots.mailings import service, walk
from bots.mailings.recipients import Named
from bots.models import Bot
from core.access.actors import Actor
from core.background.pace import Pace
from tests.factories import make_operator


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(walk, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(walk, "PACE", Pace(rate=10_000))
    for module in (walk, service):
        monkeypatch.setattr(module, "notify", lambda *message: sent.append(message))
    return sent


@pytest.fixture
def actor(db: None) -> Actor:
    return Actor.operator(make_operator("lin"))


@pytest.fixture
def make_campaign(bot: Bot, actor: Actor) -> Callable[..., Campaign]:
    """A campaign whose people, by open_id, are looked up."""

    def make(*open_ids: str) -> Campaign:
        campaign = create_campaign(
            bot=bot,
            name="Calendars",
            named=[Named.by_look(one) for one in open_ids],
            actor=actor,
            why="booking",
        )
        return walked(campaign)

    return make


def walked(campaign: Campaign) -> Campaign:
    """As it is when a worker has done what there is to do."""
    walk.advance(CAMPAIGNS, campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state in {MailingState.READY, MailingState.DONE, MailingState.CANCELLED}
    return campaign
