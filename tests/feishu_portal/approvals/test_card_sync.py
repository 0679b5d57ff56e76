import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.models import AuditEntry
from core.access.scopes import Scope
from feishu.errors import FeishuError
from feishu_portal.approvals.card_sync import CARDS, is_asking
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client
from tests.feishu_portal.api.messages import CARD
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(bot) -> CallApproval:
    return ask_about(bot)


def test_no_client_changes_the_card_while_somebody_is_asked(approval, platform) -> None:
    client = api_client(Scope.MESSAGES_SEND)
    address = f"/api/v1/bots/{approval.bot.app_id}/messages/om_card"
    refused = client.patch(address, {"content": CARD}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content")
    assert not platform.patches.called
    assert not is_asking(approval.bot, "om_other")
    assert not is_asking(make_bot(), "om_card")
    deny(approval)
    assert client.patch(address, {"content": CARD}, "application/json").status_code == 200


def failing(approval: CallApproval) -> None:
    with pytest.raises(FeishuError):
        CARDS.sync(approval.pk)
    approval.refresh_from_db()


def test_card_is_sent_to_the_person_once_and_then_changed_in_place(asked, platform) -> None:
    for _ in range(2):
        CARDS.sync(asked.pk)
    [call] = platform.sends.calls
    assert call.request.url.params["receive_id_type"] == "open_id"
    assert json.loads(call.request.content)["receive_id"] == "ou_asked"
    asked.refresh_from_db()
    assert (asked.message_id, CARDS.due()) == ("om_1", [])
    deny(asked)
    CallApproval.objects.update(decided_at=timezone.now() - timedelta(minutes=1))
    CARDS.sync(asked.pk)
    assert len(platform.patches.calls) == len(platform.sends.calls) == 1
    assert CARDS.due() == []


def test_patch_that_the_answer_to_a_click_may_overtake_is_made_again(asked, platform) -> None:
    CARDS.sync(asked.pk)
    asked.refresh_from_db()
    approve(asked, kind=Approved.ONCE)
    finish(claim(asked.pk), CallOutcome(status=200, code=0))
    CARDS.sync(asked.pk)
    assert CARDS.due() == []
    CallApproval.objects.update(
        decided_at=timezone.now() - timedelta(seconds=5), card_retry_at=timezone.now()
    )
    assert CARDS.due() == [asked.pk]
    CARDS.sync(asked.pk)
    assert CARDS.due() == []
    assert len(platform.patches.calls) == 2


def test_question_that_has_ended_is_not_sent(asked, platform) -> None:
    CallApproval.objects.update(expires_at=timezone.now())
    CARDS.sync(asked.pk)
    assert not platform.sends.calls
    assert CARDS.due() == []


def test_card_that_cannot_be_sent_ends_the_question(asked, platform) -> None:
    platform.sends.respond(400, json={"code": 230013, "msg": "no"})
    failing(asked)
    assert (asked.state, asked.card_given_up, asked.call) == ("not_asked", True, "")
    assert "230013" in asked.card_error
    assert AuditEntry.objects.filter(action="approval.not_asked").exists()
    assert CARDS.due() == []


def test_card_is_tried_again_and_given_up_in_the_end(asked, platform) -> None:
    platform.sends.respond(500, json={"code": 1, "msg": "no"})
    for attempt in range(1, CARDS.retries.max_attempts + 1):
        assert asked.state == "asked", attempt
        CallApproval.objects.update(card_retry_at=None)
        failing(asked)
    assert asked.state == "not_asked"


def test_recalled_card_is_left_alone(asked, platform) -> None:
    CARDS.sync(asked.pk)
    platform.patches.respond(400, json={"code": 230011, "msg": "recalled"})
    deny(CallApproval.objects.select_related("bot").get())
    CallApproval.objects.update(decided_at=timezone.now() - timedelta(minutes=1))
    CARDS.sync(asked.pk)
    assert CARDS.due() == []


def test_bot_that_is_off_sends_no_card(asked, platform) -> None:
    type(asked.bot).objects.update(enabled=False)
    CARDS.sync(asked.pk)
    assert not platform.sends.calls
