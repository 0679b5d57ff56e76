from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import AuditEntry
from core.access.scopes import Scope
from feishu_portal.approvals.asking import ask, is_covered
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.errors import AskedTooOftenError, DeniedLatelyError
from feishu_portal.approvals.models import CallApproval
from tests.factories import make_bot
from tests.feishu_portal.approvals.calls import ask_about, question_of

pytestmark = pytest.mark.django_db


def test_question_is_kept_sealed_and_the_card_is_asked_for(
    bot, notified, settings, django_capture_on_commit_callbacks
) -> None:
    settings.APPROVAL_MINUTES = 5
    with django_capture_on_commit_callbacks(execute=True):
        approval = ask_about(bot)
    assert notified == [("approvals.sync_card", str(approval.pk))]
    approval = CallApproval.objects.get()
    assert approval.stored_call.path == "/open-apis/task/v2/tasks"
    assert approval.expires_at - approval.asked_at == timedelta(minutes=5)
    assert approval.resources == ["id=ou_lin"]
    assert len(approval.body_hash) == 64
    assert AuditEntry.objects.get(action="approval.asked").bot_id == bot.pk


def test_same_call_is_one_question_until_that_has_ended(bot) -> None:
    first = ask_about(bot)
    assert ask_about(bot) == first
    assert ask_about(bot, open_id="ou_other") != first
    assert ask_about(bot, query="a=1") != first
    CallApproval.objects.update(expires_at=timezone.now())
    again = ask_about(bot)
    assert again != first
    first.refresh_from_db()
    assert (first.state, first.call) == ("expired", "")


def test_denied_call_is_asked_about_again_after_a_while(bot) -> None:
    approval = ask_about(bot)
    deny(approval)
    with pytest.raises(DeniedLatelyError):
        ask_about(bot)
    CallApproval.objects.update(decided_at=timezone.now() - timedelta(hours=1))
    assert ask_about(bot) != approval


def test_call_under_another_number_is_the_same_call(bot) -> None:
    question, call = question_of(bot)
    again = replace(call, headers=(*call.headers, ("x-request-id", "r-2"), ("accept-language", "en")))
    approval = ask(question, call=call, actor=SYSTEM)
    assert ask(question, call=again, actor=SYSTEM) == approval
    deny(approval)
    with pytest.raises(DeniedLatelyError):
        ask(question, call=again, actor=SYSTEM)


def test_person_is_not_flooded(bot, monkeypatch) -> None:
    monkeypatch.setattr("feishu_portal.approvals.asking.MAX_OPEN", 1)
    approval = ask_about(bot)
    with pytest.raises(AskedTooOftenError):
        ask_about(bot, {"summary": "other"})
    ask_about(bot, {"summary": "other"}, open_id="ou_other")
    deny(approval)
    ask_about(bot, {"summary": "other"})


def test_hour_covers_what_the_card_shows_and_nothing_else(bot) -> None:
    def covered(body=None, /, **values) -> bool:
        question, _call = question_of(bot, body or {"receive_id": "oc_1", "content": "b"}, **values)
        return is_covered(question)

    approval = ask_about(bot, {"receive_id": "oc_1", "content": "a"})
    assert not covered()
    assert approve(approval, kind=Approved.HOUR)
    assert covered()
    stranger, _key = add_api_client(
        name="other", scopes=[Scope.PROXY_USER], bots=[], expires_at=None, actor=SYSTEM
    )
    for others in (
        {"client": stranger}, {"bot": make_bot()}, {"open_id": "ou_other"}, {"tenant_key": "other"}, {"agent_key": "k"}, {"method": "PUT"},
        {"path": "/open-apis/task/v2/tasks/1"}, {"query": "to=a@example.com"}, {"rule": "ask * /open-apis/**"}, {"query": "folder_token=f"},
    ):  # fmt: skip
        assert not covered(**others), others
    for body in ({"receive_id": "oc_2", "content": "a"}, {"receive_id": ["oc_1", "oc_2"]}, b"{"):
        assert not covered(body), body
    CallApproval.objects.update(covers_until=timezone.now())
    assert not covered()


def test_path_that_no_card_shows_whole_is_approved_once_only(bot) -> None:
    assert ask_about(bot, path=f"/open-apis/{'x' * 500}").scope_hash == ""


@pytest.mark.parametrize("body", [b"{", {"ids": [f"oc_{number}" for number in range(11)]}, {"id": "x" * 300}])
def test_call_whose_extent_no_card_can_say_is_covered_by_nothing(bot, body) -> None:
    approval = ask_about(bot, body)
    assert approval.scope_hash == ""
    assert not approve(approval, kind=Approved.HOUR)
    question, _call = question_of(bot, body)
    assert not is_covered(question)


def test_ask_takes_few_queries(bot, django_assert_max_num_queries) -> None:
    question, call = question_of(bot)
    with django_assert_max_num_queries(12):
        ask(question, call=call, actor=SYSTEM)
