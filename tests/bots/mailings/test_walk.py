from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auth_sessions.models import Campaign, CampaignMember
from bots.enums import MailingState, RecipientState
from bots.mailings import walk
from bots.mailings.service import cancel, retry
from bots.mailings.walk import advance, due
from bots.models import Bot
from core.access.actors import SYSTEM
from feishu.errors import APIError, RateLimited, TransportError
from tests.bots.mailings.conftest import Company, Letters, to
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def now_due(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(next_step_at=timezone.now())


def test_everybody_gets_one_and_the_mailing_is_done(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    to(campaign, "ou_1", "ou_2")
    for _ in range(2):
        advance(letters, campaign.pk)
        now_due(campaign)
    campaign.refresh_from_db()
    assert letters.got == ["ou_1", "ou_2"]
    assert (campaign.state, campaign.counts) == (MailingState.DONE, {"sent": 2})
    assert campaign.finished_at is not None
    assert due(letters) == []


def test_mailing_that_is_to_be_confirmed_waits(campaign: Campaign, company: Company) -> None:
    letters = Letters(confirms=True)
    advance(letters, to(campaign, "ou_1").pk)
    campaign.refresh_from_db()
    assert (campaign.state, letters.got, due(letters)) == (MailingState.READY, [], [])


def test_what_a_worker_holds_nobody_else_touches_and_another_takes_over_when_it_died(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    Campaign.objects.filter(pk=to(campaign, "ou_1").pk).update(next_step_at=timezone.now() + walk.CLAIM)
    advance(letters, campaign.pk)
    assert (letters.got, due(letters)) == ([], [])
    now_due(campaign)
    assert due(letters) == [campaign.pk]
    advance(letters, campaign.pk)
    assert letters.got == ["ou_1"]


def test_task_that_has_no_time_left_asks_for_another_one(
    campaign: Campaign, letters: Letters, company: Company, prompt: list[tuple[object, ...]]
) -> None:
    advance(letters, to(campaign, "ou_1").pk, seconds=0)
    assert prompt == [("letters.advance", str(campaign.pk))]


def test_limited_rate_waits_as_the_platform_says(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    letters.errors["ou_1"] = [RateLimited("slow", code=99991400, reset_after=30)]
    advance(letters, to(campaign, "ou_1").pk)
    campaign.refresh_from_db()
    assert (letters.got, campaign.failures) == ([], 0)
    assert timedelta(seconds=20) < campaign.next_step_at - timezone.now() <= timedelta(seconds=30)
    now_due(campaign)
    advance(letters, campaign.pk)
    assert letters.got == ["ou_1"]


def test_outage_is_seen_waits_and_is_forgotten_when_it_is_over(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    letters.errors["ou_1"] = [TransportError("no route", sent="no")]
    advance(letters, to(campaign, "ou_1").pk)
    campaign.refresh_from_db()
    assert (campaign.failures, campaign.reason, campaign.said) == (1, "unreachable", "no route")
    assert campaign.next_step_at > timezone.now()
    now_due(campaign)
    advance(letters, campaign.pk)
    campaign.refresh_from_db()
    assert (letters.got, campaign.failures, campaign.reason, campaign.said) == (["ou_1"], 0, "", "")


def test_outage_without_an_end_fails_one_recipient_after_the_other(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    letters.errors["ou_1"] = [TransportError("no route", sent="no") for _ in range(9)]
    to(campaign, "ou_1", "ou_2")
    for _ in range(walk.AGAIN.max_attempts):
        now_due(campaign)
        advance(letters, campaign.pk)
    assert letters.got == ["ou_2"]
    assert CampaignMember.objects.get(target="ou_1").state == RecipientState.FAILED


def test_refusal_fails_its_recipient_alone_who_can_be_tried_again(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    letters.errors["ou_1"] = [APIError("not available", code=230013, log_id="log-1")]
    advance(letters, to(campaign, "ou_1", "ou_2").pk)
    row = CampaignMember.objects.get(target="ou_1")
    assert (letters.got, row.state, row.code, row.log_id) == (
        ["ou_2"],
        RecipientState.FAILED,
        230013,
        "log-1",
    )
    assert retry(letters, campaign, actor=SYSTEM) == 1
    advance(letters, campaign.pk)
    row.refresh_from_db()
    assert (letters.got, row.state, row.code) == (["ou_2", "ou_1"], RecipientState.SENT, None)


def test_stopping_counts_although_a_worker_waits_for_a_long_time(
    campaign: Campaign, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = Letters()

    def stopped_meanwhile(mailer: Any, mailing: Any, transport: Any) -> Any:
        cancel(letters, campaign, actor=SYSTEM)
        return timezone.now() + timedelta(hours=1)

    monkeypatch.setattr(walk, "_step", stopped_meanwhile)
    advance(letters, to(campaign, "ou_1").pk)
    assert due(letters) == [campaign.pk]


def test_of_one_bots_mailings_one_is_sent_at_a_time(campaign: Campaign, letters: Letters, bot: Bot) -> None:
    second = Campaign.objects.create(bot=bot, name="second", requested_by="system:portal")
    others = Campaign.objects.create(bot=make_bot(), name="others", requested_by="system:portal")
    Campaign.objects.update(state=MailingState.SENDING)
    assert due(letters) == [campaign.pk, others.pk]
    Campaign.objects.filter(pk=campaign.pk).update(state=MailingState.DONE)
    assert set(due(letters)) == {second.pk, others.pk}


def test_mailing_of_a_bot_that_is_off_waits(campaign: Campaign, letters: Letters, company: Company) -> None:
    Bot.objects.filter(pk=campaign.bot_id).update(enabled=False)
    assert due(letters) == []
    advance(letters, to(campaign, "ou_1").pk)
    assert letters.got == []
    assert Campaign.objects.get().next_step_at > timezone.now()
