"""Setting in which groups a bot answers otherwise, each change with its entry in the audit log."""

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils import timezone

from bots.doctor.schedule import examine_on_commit
from bots.enums import GroupPolicy
from bots.errors import TooManyExceptionsError
from bots.models import Bot, GroupException
from core.access import audit
from core.access.actors import Actor
from core.database.text import storable

MAX_EXCEPTIONS: Final = 500
"""Of one bot."""


@transaction.atomic
def set_group_policies(
    *, bot: Bot, wanted: Mapping[str, GroupPolicy | None], names: Mapping[str, str], actor: Actor
) -> int:
    """Set what holds in the groups with these valid IDs, None for what holds in the bot's others; how many are another than
    before. ``names``: what the groups are called, as far as that is known.

    Raises TooManyExceptionsError, and then has set nothing.
    """
    locked = Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)
    rows = {row.chat_id: row for row in GroupException.objects.filter(bot=bot, chat_id__in=list(wanted))}
    changed = 0
    for chat_id, policy in wanted.items():
        row = rows.get(chat_id)
        before = GroupPolicy(row.policy) if row else None
        if policy == before:
            continue
        changed += 1
        name = storable(names.get(chat_id, ""), 200) or (row.name if row else "")
        if policy is None:
            GroupException.objects.filter(bot=bot, chat_id=chat_id).delete()
        else:
            values = {"policy": policy, "name": name, "changed_by": str(actor), "changed_at": timezone.now()}
            GroupException.objects.update_or_create(bot=bot, chat_id=chat_id, defaults=values)
        audit.record(
            actor=actor,
            action="bot.group_policy_set",
            bot=bot,
            target=name or chat_id,
            chat_id=chat_id,
            changed=["group_policy"],
            values={"group_policy": [before, policy]},
        )
    count = GroupException.objects.filter(bot=bot).count()
    if count > MAX_EXCEPTIONS:
        raise TooManyExceptionsError
    if locked.has_group_exceptions != (count > 0):
        Bot.objects.filter(pk=bot.pk).update(has_group_exceptions=count > 0)
    bot.has_group_exceptions = count > 0
    if changed:
        examine_on_commit(bot)  # it may need another scope
    return changed
