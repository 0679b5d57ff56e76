"""Entries of the audit log in words: who did what to which thing, and what is another than before."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core.access import bot_directory
from core.access.actors import ANONYMOUS, Actor
from core.access.audit_actions import ACTIONS, MODELS
from core.access.bot_directory import PersonRef
from core.access.models import ApiClient, AuditEntry, User
from core.console.rendering import actor as actor_in_words
from feishu.values import mapping_of

PERSON: Final = "ou_"
MAX_VALUE: Final = 80
"""Characters of a value that are shown."""
NOT_FIELDS: Final = {"bots": _("bots"), "app_ids": _("App IDs")}
"""What an entry calls changed that is no field of the row."""
_OWN_MODELS: Final = {"operator": User, "api_client": ApiClient}


@dataclass(frozen=True, slots=True)
class AuditWords:
    """``bot`` is the bot's name, or its App ID where it is gone; ``changes`` are lines such as "Name: A → B". ``actor`` and
    ``target`` are those of the sentence with their ids."""

    sentence: str
    actor: str
    target: str
    bot: str
    changes: tuple[str, ...]


def in_words(entries: Sequence[AuditEntry]) -> list[AuditWords]:
    """The entries in the active language. Two queries for any number of them."""
    bots = bot_directory.names_of({entry.bot_id for entry in entries if entry.bot_id})
    people = bot_directory.people_of(_people_in(entries))
    return [_words(entry, bots, people) for entry in entries]


def _people_in(entries: Iterable[AuditEntry]) -> Collection[PersonRef]:
    return {
        (entry.bot_id, text)
        for entry in entries
        if entry.bot_id
        for text in (entry.target, entry.actor.removeprefix("user:"))
        if text.startswith(PERSON)
    }


def _words(entry: AuditEntry, bots: dict[UUID, str], people: dict[PersonRef, str]) -> AuditWords:
    bot = bots.get(entry.bot_id, "") if entry.bot_id else ""

    def called(text: str) -> str:
        if bot and text == entry.app_id:
            return bot
        return (people.get((entry.bot_id, text)) if entry.bot_id else None) or text

    def in_full(text: str) -> str:
        name = called(text)
        return f"{name} ({text})" if name != text else text

    by = Actor.read(entry.actor)
    kind, name = by.kind, by.name
    if entry.actor == str(ANONYMOUS):
        name = gettext("Somebody not signed in")
    actor = called(name) if kind in {"operator", "user"} and name else actor_in_words(entry.actor)
    target = called(entry.target)
    if known := ACTIONS.get(entry.action):
        is_own = known.own is not None and kind == "user" and name == entry.target
        words = known.own if is_own else known.sentence
        sentence = str(words) % {"actor": actor, "target": _quoted(target)}
    else:
        sentence = " ".join(part for part in (actor, entry.action, target) if part)
    return AuditWords(
        sentence,
        actor_in_words(f"{kind}:{in_full(name)}" if name else kind),
        in_full(entry.target),
        bot or entry.app_id,
        tuple(_changes(entry)),
    )


def _quoted(text: str) -> str:
    """A name of people's own choosing begins and ends somewhere."""
    return f"“{text}”" if text else "—"


def _changes(entry: AuditEntry) -> Iterable[str]:
    values, befores, afters = (mapping_of(entry.detail.get(name)) for name in ("values", "before", "after"))
    changed = entry.detail.get("changed")
    for name in changed if isinstance(changed, list) else ():
        name = str(name)  # noqa: PLW2901 -- whatever an old entry holds
        words = _field_in_words(entry, name)
        pair = values.get(name) or ([befores[name], afters.get(name)] if name in befores else None)
        if isinstance(pair, list) and len(pair) == 2:
            before, after = map(_value, pair)
            words += gettext(": %(before)s → %(after)s") % {"before": before, "after": after}
        yield words


def _field_in_words(entry: AuditEntry, name: str) -> str:
    group = entry.action.partition(".")[0]
    model = MODELS.get(group) or _OWN_MODELS.get(group)
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    words = str(getattr(field, "verbose_name", "") or NOT_FIELDS.get(name, name))
    return capfirst(words) if get_language() else words


def _value(value: Any) -> str:
    if value is None or value in ("", []):
        return "—"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
