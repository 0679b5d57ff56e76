"""Which messages of a group are for a bot: as it is set for the group, else for the bot."""

from bots.enums import ANSWERING_UNMENTIONED, GroupPolicy
from bots.identity import own_open_id
from bots.models import Bot, GroupException
from feishu.message_text import WrittenMessage


def policy_in(bot: Bot, chat_id: str) -> GroupPolicy:
    """What holds in a group. A query only for a bot with exceptions."""
    if bot.has_group_exceptions:
        exceptions = GroupException.objects.filter(bot=bot, chat_id=chat_id)
        if (policy := exceptions.values_list("policy", flat=True).first()) is not None:
            return GroupPolicy(policy)
    return GroupPolicy(bot.group_policy)


def is_for(bot: Bot, written: WrittenMessage, *, chat_id: str) -> bool:
    """Whether a message of a group is for the bot. Where it depends on who is mentioned, the platform may be asked for the bot's
    open_id. Raises FeishuError."""
    match policy_in(bot, chat_id):
        case GroupPolicy.NEVER:
            return False
        case GroupPolicy.EVERY_MESSAGE:
            bots = written.mentioned - written.people
            return not bots or written.mentions_all or own_open_id(bot) in bots
        case GroupPolicy.MENTIONED_OR_ALL if written.mentions_all:
            return True
        case _:
            return bool(written.mentioned) and own_open_id(bot) in written.mentioned


def answers_unmentioned(bot: Bot) -> bool:
    """Whether the bot answers, in any group, messages that do not mention it: the app has to receive them."""
    if bot.group_policy in ANSWERING_UNMENTIONED:
        return True
    unmentioned = bot.group_exceptions.filter(policy__in=ANSWERING_UNMENTIONED)
    return bot.has_group_exceptions and unmentioned.exists()
