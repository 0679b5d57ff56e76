"""`@` and a name in what a person writes: the key that stands there in the event, and who is mentioned.

Page "Receive message": a text has `@_user_1` where the person saw `@` and a name.
"""

from typing import Any, Final

from msgspec import Struct

from sandbox.config import AppConfig, AppId, PersonConfig, PersonId
from sandbox.control.endpoint import known_app, known_person
from sandbox.platform.mentions import bot_mention, person_mention
from sandbox.world.world import World

_EVERYBODY: Final = ("所有人", "everyone")


class Mentions(Struct, forbid_unknown_fields=True, kw_only=True):
    """In a group: the bots and the people who are @-ed; `mention_all` is everybody.

    The key of each stands where the text says `@` and their name in either language, else before the text.
    """

    mention: list[AppId] = []
    mention_people: list[PersonId] = []
    mention_all: bool = False


def keyed(world: World, text: str, wanted: Mentions) -> tuple[str, list[dict[str, Any]]]:
    """The text with keys, and its mentions in the order in which the text names them."""
    named: list[AppConfig | PersonConfig] = [
        *(known_app(world, app_id) for app_id in wanted.mention),
        *(known_person(world, person_id) for person_id in wanted.mention_people),
    ]
    named.sort(key=lambda one: min(_places(text, _names(one)), default=len(text)))
    keys = [(f"@_user_{number}", _names(one)) for number, one in enumerate(named, 1)]
    everybody = [("@_all", _EVERYBODY)] if wanted.mention_all else []
    # A name may begin with another one: the longer goes first.
    longest_first = sorted([*keys, *everybody], key=lambda pair: -max(map(len, pair[1]), default=0))
    missing = []
    for key, names in longest_first:
        found = next((f"@{name}" for name in names if f"@{name}" in text), None)
        if found is None:
            missing.append(key)
        else:
            text = text.replace(found, key, 1)
    mentions = [
        bot_mention(one, key) if isinstance(one, AppConfig) else person_mention(one, key)
        for one, (key, _) in zip(named, keys, strict=True)
    ]
    return " ".join([*sorted(missing), text]), mentions


def _names(one: AppConfig | PersonConfig) -> tuple[str, ...]:
    return tuple(sorted({one.name, one.en_name} - {""}, key=len, reverse=True))


def _places(text: str, names: tuple[str, ...]) -> list[int]:
    return [place for name in names if (place := text.find(f"@{name}")) >= 0]
