"""What the app of a bot needs so that the bot can greet; the QR code that extends it asks for that."""

from collections.abc import Iterator
from typing import Final

from bots.models import Bot
from bots.registration.preset import Needs, register
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeting

NEEDS: Final = {
    Occasion.BOT_ADDED: Needs(("im:chat.members:bot_access",), ("im.chat.member.bot.added_v1",)),
    Occasion.PEOPLE_JOINED: Needs(("im:chat.members:read",), ("im.chat.member.user.added_v1",)),
}
"""The narrowest scope that has each event pushed (pages "Bot added to group" and "User added to group"). Every app has the
events of the other occasions."""


@register
def needs_of_greetings(bot: Bot) -> Iterator[Needs]:
    """Of those that are on; one query."""
    occasions = Greeting.objects.filter(bot=bot, enabled=True, occasion__in=NEEDS).order_by("occasion")
    for occasion in occasions.values_list("occasion", flat=True).distinct():
        yield NEEDS[Occasion(occasion)]
