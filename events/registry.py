"""Which function handles which event."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.utils.module_loading import module_has_submodule

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)

CALLBACK_TYPE = "card.action.trigger"


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler of events: ``pattern`` is an exact type, a wildcard such as ``contact.user.*_v3``, or ``*``."""

    name: str
    pattern: str
    function: Handler
    atomic: bool
    retries: int | None

    def matches(self, event_type: str) -> bool:
        return fnmatchcase(event_type, self.pattern)


_handlers: dict[str, Registration] = {}
_card_handlers: dict[str, Handler] = {}


def on(pattern: str, *, atomic: bool = True, retries: int | None = None) -> Callable[[H], H]:
    """Register ``function(event, bot)`` for events whose type matches ``pattern``.

    ``atomic``: the handler and the note that it succeeded share one transaction. ``retries``: tries after the first one;
    FEISHU_HANDLER_TRIES decides otherwise.
    """

    def register(function: H) -> H:
        name = f"{function.__module__}.{function.__qualname__}"
        _handlers[name] = Registration(name, pattern, function, atomic, retries)
        return function

    return register


def on_card(action: str) -> Callable[[H], H]:
    """Register ``function(event, bot)`` for card clicks whose ``action.value["action"]`` is ``action``.

    What it returns is the answer to the click (``callback_response``); None leaves the card as it is.
    """

    def register(function: H) -> H:
        _card_handlers[action] = function
        return function

    return register


def handlers_of(event_type: str) -> list[Registration]:
    """Every handler of events of this type, in the order of registration."""
    return [handler for handler in _handlers.values() if handler.matches(event_type)]


def handler_named(name: str) -> Registration | None:
    """The handler of that name, unless a deployment took it away."""
    return _handlers.get(name)


def card_handler_of(action: str) -> Handler | None:
    """The handler of clicks on buttons with this action."""
    return _card_handlers.get(action)


def call(function: Handler, *arguments: object) -> Any:
    """Run a handler, sync or async. ORM calls of an async one come back to this thread, and so into its transaction."""
    return async_to_sync(function)(*arguments) if iscoroutinefunction(function) else function(*arguments)


def discover() -> None:
    """Import ``handlers.py`` of every installed app and the modules of FEISHU_HANDLERS."""
    for config in apps.get_app_configs():
        if config.module and module_has_submodule(config.module, "handlers"):
            import_module(f"{config.name}.handlers")
    for module in settings.FEISHU_HANDLERS:
        import_module(module)
