from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from events.ingress.webhook import rates
from tests.events.ingress.webhook.pushes import CHALLENGE, path, refused, request
from tests.factories import click_event, message_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stopped_clock(monkeypatch, settings):
    """A second in which three events may come."""
    settings.WEBHOOK_BOT_RATE = 3
    now = rates.steady_now()
    monkeypatch.setattr(rates, "steady_now", lambda: now)


@pytest.mark.usefixtures("stopped_clock")
async def test_bot_is_limited_in_events_a_second_and_its_clicks_are_not(http, make):
    bot, other = await make(), await make()
    answers = [await http.post(path(bot), **request(message_event())) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert refused(answers[-1]) == (429, "too_many_requests")
    for sent in (request(click_event(value={})), request(CHALLENGE)):
        assert (await http.post(path(bot), **sent)).status_code == 200
    assert (await http.post(path(other), **request(message_event()))).status_code == 200


@pytest.mark.usefixtures("stopped_clock")
async def test_requests_that_prove_nothing_use_up_no_rate(http, bot):
    for _ in range(5):
        assert (
            await http.post(path(bot), **request(message_event(), key="a key of mine"))
        ).status_code == 401
    assert (await http.post(path(bot), **request(message_event()))).status_code == 200


def test_clock_that_is_set_back_holds_up_no_event(settings, time_machine):
    settings.WEBHOOK_BOT_RATE = 1_000
    bot_rates, bot_id = rates.BotRates(), uuid4()
    assert bot_rates.take(bot_id)
    time_machine.move_to(timezone.now() - timedelta(hours=1), tick=True)
    assert bot_rates.take(bot_id)
