from dataclasses import asdict

import pytest
from django.utils import timezone

from auth_sessions.campaigns.answers import CONDITIONS, CampaignAnswer, answer_of, count_answers
from auth_sessions.enums import SessionState
from auth_sessions.models import Campaign, CampaignMember
from bots.enums import RecipientKind, RecipientState
from bots.models import Bot
from tests.console.rows import make_session

pytestmark = pytest.mark.django_db

SENT = RecipientState.SENT
CASES = {
    "authorized": (SENT, SessionState.EXPIRED, True, CampaignAnswer.AUTHORIZED),
    "silent": (SENT, SessionState.SENT, False, CampaignAnswer.WAITING),
    "expired": (SENT, SessionState.EXPIRED, False, CampaignAnswer.WAITING),
    "unkept": (SENT, None, False, CampaignAnswer.WAITING),
    "declined": (SENT, SessionState.DENIED, False, CampaignAnswer.DECLINED),
    "unreached": (SENT, SessionState.FAILED, False, CampaignAnswer.FAILED),
    "unasked": (RecipientState.FAILED, None, False, CampaignAnswer.FAILED),
    "left out": (RecipientState.LEFT_OUT, None, False, None),
    "to come": (RecipientState.READY, None, False, None),
}


def test_each_person_has_one_answer_or_none_and_all_say_the_same(bot: Bot) -> None:
    campaign = Campaign.objects.create(bot=bot, name="c", requested_by="system:portal")
    for name, (state, session, is_authorized, _answer) in CASES.items():
        CampaignMember.objects.create(
            mailing=campaign, bot=bot, kind=RecipientKind.OPEN_ID, given=name, target=f"ou_{name}", state=state,
            session=make_session(bot, session) if session else None,
            authorized_at=timezone.now() if is_authorized else None,
        )  # fmt: skip
    expected = {name: answer for name, (*_, answer) in CASES.items()}
    members = CampaignMember.objects.select_related("session")
    assert {member.given: answer_of(member) for member in members} == expected
    for answer, condition in CONDITIONS.items():
        found = set(members.filter(condition).values_list("given", flat=True))
        assert found == {name for name, is_it in expected.items() if is_it == answer}
    assert asdict(count_answers(campaign)) == {"authorized": 1, "waiting": 3, "declined": 1, "failed": 2}
