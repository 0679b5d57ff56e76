"""Which function handles which event, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils.module_loading import module_has_submodule

from events.handling.aliases import real
from feishu.envelope import CALLBACK_TYPES, OLD_CARD_CALLBACK

if TYPE_CHECKING:
    from events.models import Event

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
OrderedBy: TypeAlias = "Literal['chat'] | Callable[[Event], object] | None"

CLICK = "card.action.trigger"

LOCK_SECONDS = 10.0
"""How long a handler's transaction may keep everybody else from writing where the database has one writer: half of what
the others wait for, see ``feishu_portal.environment.database``."""

OTHERS = "*others*"
"""The pattern of handlers for events that no other handler is there for."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler and its options; ``on`` and ``on_card`` explain them."""

    name: str
    pattern: str
    function: Handler
    atomic: bool = True
    retries: int | None = None
    timeout: float | None = None
    ordered_by: OrderedBy = None
    enabled: bool | str = True
    even_stale: bool = False
    status: str = ""
    action: str | None = None

    @property
    def tries(self) -> int:
        """How often the handler is tried before its delivery is dead."""
        return int(settings.HANDLER_TRIES) if self.retries is None else self.retries + 1

    @property
    def seconds(self) -> float:
        """How long one try may take. In a transaction on SQLite that is bounded, whatever was asked for."""
        asked = float(settings.HANDLER_SECONDS) if self.timeout is None else self.timeout
        return min(asked, LOCK_SECONDS) if self.atomic and connection.vendor == "sqlite" else asked

    @property
    def is_on(self) -> bool:
        """Whether the handler runs where no operator has said otherwise."""
        return bool(getattr(settings, self.enabled)) if isinstance(self.enabled, str) else self.enabled

    def matches(self, event: "Event") -> bool:
        """Whether the handler is for this event."""
        if not fnmatchcase(event.event_type, self.pattern):
            return False
        return not self.status or event.data.get("status") == self.status


_handlers: dict[str, Registration] = {}
_card_handlers: dict[str, Registration] = {}


def on(
    pattern: str,
    *,
    retries: int | None = None,
    timeout: float | None = None,
    atomic: bool = True,
    ordered_by: OrderedBy = "chat",
    enabled: bool | str = True,
    even_stale: bool = False,
) -> Callable[[H], H]:
    """Register ``function(event, bot)``, sync or async, for events whose type is ``pattern``.

    ``pattern`` may hold wildcards (``contact.user.*_v3``), be ``*`` for every event, or a name of ``events.handling.aliases``.

    ``retries``: tries after the first one; FEISHU_HANDLER_TRIES decides otherwise. ``timeout``: seconds one try may take;
    FEISHU_HANDLER_SECONDS otherwise. ``atomic``: the handler's writes and the note that it succeeded share one
    transaction; switch it off for a handler that talks to the network, so that no transaction waits for it. On SQLite one
    try of an atomic handler may take at most ``LOCK_SECONDS``.

    ``ordered_by``: events with the same key run one after the other, in the order of arrival. ``"chat"`` takes the chat
    of a message and orders nothing else; a function gets the event and returns the key, None for no order; None runs
    everything side by side.

    ``enabled``: False, or the name of a Django setting that says so, leaves the handler off until an operator switches
    it on for a bot.

    ``even_stale``: also for events that reached the portal too late, since what they say stays true, such as that
    somebody has left. To answer an hour-old message would do harm.
    """

    def register(function: H) -> H:
        name = _name(function)
        alias = real(pattern)
        _handlers[name] = Registration(
            name=name,
            pattern=alias.event_type,
            function=function,
            atomic=atomic,
            retries=retries,
            timeout=timeout,
            ordered_by=ordered_by,
            enabled=enabled,
            even_stale=even_stale,
            status=alias.status,
        )
        return function

    return register


def on_card(
    action: str, *, timeout: float | None = None, atomic: bool = False, enabled: bool | str = True
) -> Callable[[H], H]:
    """Register ``function(event, bot)``, sync or async, for card clicks whose ``action.value["action"]`` is ``action``.

    What it returns is the answer to the click (``callback_response``); None leaves the card as it is. When it takes
    longer than the platform waits, it goes on in the background and its card is put in place later. A click is never
    tried again by itself: who clicked decides.
    """

    def register(function: H) -> H:
        _card_handlers[action] = Registration(
            name=_name(function),
            pattern=CLICK,
            function=function,
            atomic=atomic,
            retries=0,
            timeout=timeout,
            enabled=enabled,
            action=action,
        )
        return function

    return register


def handlers_of(event: "Event") -> list[Registration]:
    """Every handler of this event, in the order of registration."""
    if event.event_type in CALLBACK_TYPES:
        handler = answerer_of(event.event_type, action_of(event.data))
        return [handler] if handler else []
    found = [handler for handler in _handlers.values() if handler.matches(event)]
    return found or [handler for handler in _handlers.values() if handler.pattern == OTHERS]


def handler_named(name: str) -> Registration | None:
    """The handler of that name, unless a deployment took it away."""
    return _handlers.get(name) or next((one for one in _card_handlers.values() if one.name == name), None)


def known_handlers() -> list[Registration]:
    """Every handler there is, those of events first."""
    return [*_handlers.values(), *_card_handlers.values()]


def answerer_of(event_type: str, action: str) -> Registration | None:
    """The one handler that answers a callback: by its action for a click, by its type for another."""
    if event_type in {CLICK, OLD_CARD_CALLBACK}:
        return _card_handlers.get(action)
    return next((one for one in _handlers.values() if one.pattern == event_type), None)


def action_of(data: dict[str, Any]) -> str:
    """What a click asks for: ``action.value["action"]``, empty where there is none."""
    action = data.get("action")
    value = action.get("value") if isinstance(action, dict) else None
    return str(value.get("action", "")) if isinstance(value, dict) else ""


def discover() -> None:
    """Import ``handlers.py`` of every installed app and the modules of FEISHU_HANDLERS."""
    for config in apps.get_app_configs():
        if config.module and module_has_submodule(config.module, "handlers"):
            import_module(f"{config.name}.handlers")
    for module in settings.FEISHU_HANDLERS:
        import_module(module)


def _name(function: Handler) -> str:
    return f"{function.__module__}.{function.__qualname__}"
