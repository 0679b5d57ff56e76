import pytest
import respx

from bots.enums import GroupPolicy
from bots.groups.policy import is_for, policy_in
from bots.models import Bot, GroupException
from feishu.errors import FeishuError
from feishu.message_text import WrittenMessage
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

NOBODY = WrittenMessage("text", "/help")
BOT = WrittenMessage("text", "/help", mentioned=frozenset({"ou_own", "ou_lin"}), people=frozenset({"ou_lin"}))
PERSON = WrittenMessage("text", "/help", mentioned=frozenset({"ou_lin"}), people=frozenset({"ou_lin"}))
OTHER_BOT = WrittenMessage("text", "/help", mentioned=frozenset({"ou_other"}))
ALL = WrittenMessage("text", "/help", mentions_all=True)
ALL_AND_OTHER_BOT = WrittenMessage("text", "/help", mentioned=frozenset({"ou_other"}), mentions_all=True)
ANSWERED = {
    GroupPolicy.MENTIONED: [BOT],
    GroupPolicy.MENTIONED_OR_ALL: [BOT, ALL, ALL_AND_OTHER_BOT],
    GroupPolicy.EVERY_MESSAGE: [NOBODY, BOT, PERSON, ALL, ALL_AND_OTHER_BOT],
    GroupPolicy.NEVER: [],
}


def make_exception(bot: Bot, chat_id: str, policy: GroupPolicy) -> GroupException:
    Bot.objects.filter(pk=bot.pk).update(has_group_exceptions=True)
    bot.has_group_exceptions = True
    return GroupException.objects.create(bot=bot, chat_id=chat_id, policy=policy, changed_by="operator:lin")


@pytest.mark.parametrize("policy", GroupPolicy)
def test_bot_answers_what_its_policy_says(policy):
    bot = make_bot(open_id="ou_own", group_policy=policy)
    asked = [NOBODY, BOT, PERSON, OTHER_BOT, ALL, ALL_AND_OTHER_BOT]
    assert [one for one in asked if is_for(bot, one, chat_id="oc_1")] == ANSWERED[policy]


def test_exception_holds_in_its_group_alone():
    bot, other = make_bot(), make_bot(group_policy=GroupPolicy.NEVER)
    make_exception(bot, "oc_1", GroupPolicy.EVERY_MESSAGE)
    other.has_group_exceptions = True
    assert policy_in(bot, "oc_1") == GroupPolicy.EVERY_MESSAGE
    assert policy_in(bot, "oc_2") == GroupPolicy.MENTIONED
    assert policy_in(other, "oc_1") == GroupPolicy.NEVER


def test_message_costs_a_query_where_there_are_exceptions_alone(django_assert_num_queries):
    bot = make_bot(open_id="ou_own")
    with django_assert_num_queries(0):
        assert is_for(bot, BOT, chat_id="oc_1")
    make_exception(bot, "oc_2", GroupPolicy.NEVER)
    with django_assert_num_queries(1):
        assert is_for(bot, BOT, chat_id="oc_1")


def test_platform_is_asked_for_the_open_id_where_it_decides_alone():
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        asked = router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(502)
        for policy, message in (
            (GroupPolicy.MENTIONED, NOBODY),
            (GroupPolicy.MENTIONED_OR_ALL, ALL_AND_OTHER_BOT),
            (GroupPolicy.EVERY_MESSAGE, PERSON),
            (GroupPolicy.NEVER, BOT),
        ):
            is_for(make_bot(group_policy=policy), message, chat_id="oc_1")
        assert not asked.called
        with pytest.raises(FeishuError):
            is_for(make_bot(group_policy=GroupPolicy.EVERY_MESSAGE), OTHER_BOT, chat_id="oc_1")
