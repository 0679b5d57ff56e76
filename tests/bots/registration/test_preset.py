import pytest

from bots.doctor.scopes import compare_scopes
from bots.doctor.subscriptions import compare_subscriptions
from bots.enums import GroupPolicy
from bots.models import Bot, GroupException, default_scopes
from bots.registration.preset import addons
from feishu.app_info import AppInfo, parse_app
from tests.factories import make_bot

GROUPS = "im:message.group_msg"


def test_new_app_gets_what_the_portal_needs_and_what_bots_ask_people_for():
    wanted = addons(None)
    assert list(wanted.user_scopes) == default_scopes()
    names = {"im:chat:read", "contact:contact.base:readonly", "contact:user.base:readonly"}
    assert {"im:message:send_as_bot", "cardkit:card:write", *names} <= set(wanted.tenant_scopes)
    assert GROUPS not in wanted.tenant_scopes
    assert "im.message.receive_v1" in wanted.tenant_events
    assert wanted.callbacks == ("card.action.trigger",)
    assert wanted.preset


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "exception", "is_asked_for"),
    [
        (GroupPolicy.MENTIONED, None, False),
        (GroupPolicy.NEVER, None, False),
        (GroupPolicy.MENTIONED_OR_ALL, None, True),
        (GroupPolicy.EVERY_MESSAGE, None, True),
        (GroupPolicy.MENTIONED, GroupPolicy.EVERY_MESSAGE, True),
        (GroupPolicy.MENTIONED, GroupPolicy.NEVER, False),
    ],
)
def test_app_gets_the_messages_of_groups_that_its_bot_answers(
    policy: GroupPolicy,
    exception: GroupPolicy | None,
    is_asked_for: bool,  # noqa: FBT001 -- of the table above
) -> None:
    bot = make_bot(group_policy=policy, has_group_exceptions=exception is not None)
    if exception is not None:
        GroupException.objects.create(bot=bot, chat_id="oc_1", policy=exception, changed_by="operator:lin")
    assert (GROUPS in addons(bot).tenant_scopes) is is_asked_for


@pytest.mark.django_db
def test_all_that_the_checklist_misses_can_be_scanned() -> None:
    bot = make_bot(
        auth_scopes=["offline_access", "wiki:wiki:readonly"], group_policy=GroupPolicy.EVERY_MESSAGE
    )
    wanted = addons(bot)
    asked = {*wanted.tenant_scopes, *wanted.user_scopes, *wanted.tenant_events, *wanted.callbacks}
    assert missed(bot, parse_app({"scopes": [], "event": {"subscription_type": "websocket"}})) <= asked
    assert wanted.user_scopes == ("offline_access", "wiki:wiki:readonly")


def missed(bot: Bot, app: AppInfo) -> set[str]:
    """The values that an operator would have to enter in the developer console."""
    found = [
        *compare_scopes(bot.auth_scopes, app, answers_unmentioned=True),
        *compare_subscriptions(bot, app),
    ]
    values = {name for one in found for name in one.value.split()}
    assert {GROUPS, "wiki:wiki:readonly", "card.action.trigger"} <= values
    return values
