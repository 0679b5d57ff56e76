import json

import pytest
from django.utils import timezone

from feishu_portal.approvals import handlers
from feishu_portal.approvals.cards import seal_of
from feishu_portal.approvals.models import CallApproval
from tests.auth_sessions.arriving import arrived
from tests.factories import click_event, make_bot
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db

HANDLERS = [handlers.approve_call, handlers.deny_call, handlers.end_approval_for_an_hour]


def click(handler, approval, /, *, bot=None, open_id="ou_asked", message_id="om_card", **value):
    value = {"approval": str(approval.pk), "seal": seal_of(approval), "kind": "once"} | value
    bot = bot or approval.bot
    event = arrived(bot, click_event(value=value, open_id=open_id, message_id=message_id))
    answer = handler(event, bot)
    approval.refresh_from_db()
    return answer


def said(answer) -> str:
    return answer["toast"]["i18n"]["zh_cn"]


def test_click_approves_and_the_card_has_no_buttons_any_more(approval) -> None:
    answer = click(handlers.approve_call, approval)
    assert (approval.state, approval.approved) == ("approved", "once")
    assert said(answer) == "已批准，正在执行。"
    assert "approvals." not in json.dumps(answer["card"])


def test_click_approves_for_an_hour(approval) -> None:
    answer = click(handlers.approve_call, approval, kind="hour")
    assert (approval.state, approval.approved) == ("approved", "hour")
    shown = json.dumps(answer["card"], ensure_ascii=False)
    assert "不再询问" in shown
    assert [name for name in ("approve", "deny", "end") if f"approvals.{name}" in shown] == ["end"]


def test_click_ends_the_hour_and_the_card_says_so(approval) -> None:
    click(handlers.approve_call, approval, kind="hour")
    answer = click(handlers.end_approval_for_an_hour, approval)
    assert not approval.is_standing
    shown = json.dumps(answer["card"], ensure_ascii=False)
    assert "会重新询问你" in shown
    assert "approvals." not in shown
    assert said(click(handlers.end_approval_for_an_hour, approval)) == "这一小时已经结束。"


def test_click_denies(approval) -> None:
    assert said(click(handlers.deny_call, approval)) == "已拒绝。"
    assert approval.state == "denied"


def test_second_click_changes_nothing(approval) -> None:
    click(handlers.approve_call, approval)
    for handler in (handlers.approve_call, handlers.deny_call):
        assert "已经处理过" in said(click(handler, approval, kind="hour"))
    assert (approval.state, approval.approved) == ("approved", "once")


def test_click_on_an_expired_card_changes_nothing(approval) -> None:
    CallApproval.objects.update(expires_at=timezone.now())
    approval.refresh_from_db()
    answer = click(handlers.approve_call, approval)
    assert "已过期" in json.dumps(answer, ensure_ascii=False)
    assert approval.state == "asked"


def test_click_before_the_message_is_known_has_to_come_again(approval) -> None:
    CallApproval.objects.update(message_id="")
    assert "再点一次" in said(click(handlers.approve_call, approval))
    assert approval.state == "asked"


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize(
    "forged",
    [
        {"open_id": "ou_somebody"}, {"message_id": "om_forged"}, {"message_id": ""}, {"seal": ""}, {"seal": "x" * 32},
        {"seal": None}, {"approval": "x"}, {"approval": None},
    ],
)  # fmt: skip
def test_click_of_somebody_else_or_on_another_card_changes_nothing(approval, handler, forged) -> None:
    assert click(handler, approval, **forged) == handlers.NOT_YOURS
    assert approval.state == "asked"


@pytest.mark.parametrize("handler", HANDLERS)
def test_click_for_another_bot_or_approval_changes_nothing(approval, handler) -> None:
    other = ask_about(make_bot())
    assert click(handler, approval, bot=other.bot) == handlers.NOT_YOURS
    assert click(handler, approval, approval=str(other.pk)) == handlers.NOT_YOURS
    assert click(handler, other, seal=seal_of(approval)) == handlers.NOT_YOURS
    assert set(CallApproval.objects.values_list("state", flat=True)) == {"asked"}


@pytest.mark.parametrize("kind", ["", "day", None, 1, ["once"]])
def test_only_the_kinds_of_the_buttons_can_be_approved(approval, kind) -> None:
    assert click(handlers.approve_call, approval, kind=kind) == handlers.NOT_YOURS
    assert approval.state == "asked"


@pytest.mark.parametrize("value", ["text", None, 7])
def test_value_of_another_shape_is_no_card_of_ours(approval, value) -> None:
    event = arrived(approval.bot, click_event(value=value))
    assert handlers.approve_call(event, approval.bot) == handlers.NOT_YOURS
