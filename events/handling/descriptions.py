"""What handlers do, in words: the portal's own in both languages, others by the first line of their docstring."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.utils.functional import Promise

from events.handling.registry import Registration

MAX_LINE: Final = 200
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Description:
    """``without``: what no longer works where the handler is off; empty where nothing that people use depends on it."""

    does: Words
    without: Words = ""


_built_in: dict[str, Description] = {}


def describe_built_in(handlers: Mapping[str, Description]) -> None:
    """Descriptions of the portal's own handlers, by their names. Each app describes its own."""
    _built_in.update(handlers)


def is_built_in(handler: Registration) -> bool:
    """Whether the handler is the portal's own."""
    return handler.name in _built_in


def description_of(handler: Registration) -> Description:
    """Of a handler that is not the portal's: what its author wrote."""
    if described := _built_in.get(handler.name):
        return described
    lines = (inspect.getdoc(handler.function) or "").splitlines()
    return Description(lines[0][:MAX_LINE] if lines else "")


def owner_of(handler: Registration) -> str:
    """The app that the handler is of: its label, or the first part of the module of one that is in no installed app."""
    module = getattr(handler.function, "__module__", "") or handler.place.partition(":")[0]
    config = apps.get_containing_app_config(module)
    return config.label if config else module.partition(".")[0]
