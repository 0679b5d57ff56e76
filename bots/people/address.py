"""A person by e-mail address or phone number, of whom only the platform knows the open_id."""

import re
from typing import Final

from bots.errors import BotDisabledError, LookupBusyError
from bots.models import Bot, Person
from bots.people.directory import remember
from core.background.limits import ConcurrencyLimits
from core.database.connections import give_back
from feishu.directory import Directory
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.people import Profile
from feishu.transport import Transport

LONGEST: Final = 254
SECONDS: Final = 5.0
"""For each of two calls; a page waits for them."""
MAX_LOOKUPS: Final = 8
"""At once, in a process."""
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()-]{5,24}")

_limits = ConcurrencyLimits()


def is_address(text: str) -> bool:
    """Whether it could be a whole e-mail address or phone number."""
    plain = text.strip()
    if len(plain) > LONGEST:
        return False
    name, at, host = plain.partition("@")
    if at:
        return (
            bool(name)
            and all(host.split("."))
            and "." in host
            and "@" not in host
            and len(plain.split()) == 1
        )
    return _PHONE.fullmatch(plain) is not None


def find_by_address(
    bot: Bot, address: str, *, asked_by: object, transport: Transport | None = None
) -> Person | None:
    """The person with this e-mail address or phone number, kept in the directory; None where the platform knows nobody whom
    the bot may see. Call it outside a transaction. Raises LookupBusyError, BotDisabledError, SealedValueError, FeishuError.

    ``asked_by`` has a quarter of all look-ups at most. Needs contact:user.id:readonly; without the scopes for names the
    person is found without one.
    """
    if not bot.enabled:
        raise BotDisabledError
    plain = address.strip()
    if "@" not in plain:
        plain = re.sub(r"[ ()-]", "", plain)
    directory = Directory(OpenAPI(bot.credentials, transport), timeout=SECONDS)
    with _limits.fair_place(asked_by, bot.pk, limit=MAX_LOOKUPS, full=LookupBusyError()):
        give_back(before_waiting=True)
        open_id = directory.open_id_at(plain)
        if not open_id:
            return None
        remember(bot, [_profile(directory, open_id)])
    return Person.objects.get(bot=bot, open_id=open_id)


def _profile(directory: Directory, open_id: str) -> Profile:
    try:
        [profile] = directory.people([open_id]) or [Profile(open_id)]
    except FeishuError:
        return Profile(open_id)
    return profile if profile.open_id == open_id else Profile(open_id)
