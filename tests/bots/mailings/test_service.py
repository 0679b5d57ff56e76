import pytest

from auth_sessions.models import Campaign, CampaignMember
from bots.enums import MailingState, RecipientState
from bots.errors import MailingStateError
from bots.mailings.recipients import Named
from bots.mailings.service import begin, cancel, may_cancel, may_retry, retry
from bots.mailings.walk import advance, recount
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from feishu.errors import APIError
from tests.bots.mailings.conftest import Company, Letters, to

pytestmark = pytest.mark.django_db(transaction=True)


def advanced(letters: Letters, campaign: Campaign) -> Campaign:
    advance(letters, campaign.pk)
    campaign.refresh_from_db()
    return campaign


def test_begun_mailing_has_its_recipients_and_is_walked(
    campaign: Campaign, letters: Letters, prompt: list[tuple[object, ...]]
) -> None:
    begin(letters, campaign, [Named.by_look("ou_1"), Named.by_look("a@example.test")], actor=SYSTEM, why="x")
    campaign.refresh_from_db()
    assert campaign.counts == {"ready": 1, "waiting": 1}
    assert prompt == [("letters.advance", str(campaign.pk))]
    entry = AuditEntry.objects.get(action="campaign.created")
    assert (entry.target, entry.detail) == ("c", {"campaign": str(campaign.pk), "recipients": 2, "why": "x"})


def test_failed_are_tried_again_and_who_is_not_found_is_looked_up_again(
    campaign: Campaign, letters: Letters, company: Company, prompt: list[tuple[object, ...]]
) -> None:
    letters.errors["ou_1"] = [APIError("not available", code=230013, log_id="log-1")]
    advanced(letters, to(campaign, "ou_1", "ou_2"))
    CampaignMember.objects.filter(target="ou_2").update(state=RecipientState.NOT_FOUND, target="")
    recount(letters, campaign.pk)
    campaign.refresh_from_db()
    prompt.clear()
    assert may_retry(campaign)
    assert retry(letters, campaign, actor=SYSTEM) == 2
    assert prompt == [("letters.advance", str(campaign.pk))]
    campaign.refresh_from_db()
    assert (campaign.state, campaign.counts) == (MailingState.RESOLVING, {"ready": 1, "waiting": 1})
    assert AuditEntry.objects.get(action="campaign.retried").detail["recipients"] == 2


def test_whom_nobody_knows_to_have_got_it_is_left_alone(
    campaign: Campaign, letters: Letters, prompt: list[tuple[object, ...]]
) -> None:
    to(campaign, "ou_1")
    CampaignMember.objects.update(state=RecipientState.UNKNOWN)
    Campaign.objects.update(state=MailingState.DONE)
    assert retry(letters, campaign, actor=SYSTEM) == 0
    assert prompt == []
    assert not AuditEntry.objects.filter(action="campaign.retried").exists()


@pytest.mark.parametrize("state", sorted(set(MailingState) - {MailingState.READY, MailingState.DONE}))
def test_nobody_is_tried_again_while_it_goes_on(
    campaign: Campaign, letters: Letters, state: MailingState
) -> None:
    to(campaign, "ou_1")
    CampaignMember.objects.update(state=RecipientState.FAILED)
    Campaign.objects.update(state=state, counts={"failed": 1})
    campaign.refresh_from_db()
    assert not may_retry(campaign)
    with pytest.raises(MailingStateError):
        retry(letters, campaign, actor=SYSTEM)


def test_cancelled_mailing_sends_nothing_more_and_takes_back(
    campaign: Campaign, letters: Letters, company: Company
) -> None:
    assert may_cancel(letters, campaign)
    assert cancel(letters, to(campaign, "ou_1"), actor=SYSTEM)
    assert not cancel(letters, campaign, actor=SYSTEM)
    advanced(letters, campaign)
    assert (letters.got, letters.taken_back) == ([], 2)
    assert (campaign.state, campaign.counts) == (MailingState.CANCELLED, {"cancelled": 1})
    assert AuditEntry.objects.filter(action="campaign.cancelled").count() == 1
    assert not may_cancel(letters, campaign)


@pytest.mark.parametrize("withdraws", [True, False])
def test_done_mailing_is_cancelled_where_it_can_be_taken_back(
    campaign: Campaign, letters: Letters, monkeypatch: pytest.MonkeyPatch, *, withdraws: bool
) -> None:
    monkeypatch.setattr(Letters, "withdraws", withdraws)
    Campaign.objects.update(state=MailingState.DONE)
    campaign.refresh_from_db()
    assert may_cancel(letters, campaign) == withdraws
    assert cancel(letters, campaign, actor=SYSTEM) == withdraws
