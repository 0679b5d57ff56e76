"""Which function handles which event, and how."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from events.handling.aliases import resolve
from events.handling.identity import default_name, fault_of_name, is_async, place_of_caller, yields
from feishu import card_buttons
from feishu.callbacks import CLICK, CLICKS, is_callback
from feishu.envelope import MESSAGE_RECEIVED

if TYPE_CHECKING:
    from events.models import Event

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
OrderedBy: TypeAlias = "Literal['chat'] | Callable[[Event], object] | None"

LOCK_SECONDS = 10.0
"""How long a handler's transaction may keep everybody else from writing where the database has one writer: half of what
other writers wait for, see ``feishu_portal.database_url.database``."""

MAX_TYPES = 1_000
"""Types of events whose handlers are remembered; what arrives may be of any."""

OTHERS = "*others*"
"""The pattern of handlers for events that no other handler takes."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler and its options, which ``on`` and ``on_card`` explain. ``place``: ``module:line`` of the call of either."""

    name: str
    pattern: str
    function: Handler
    place: str = ""
    atomic: bool = True
    retries: int | None = None
    timeout: float | None = None
    ordered_by: OrderedBy = None
    enabled: bool | str = True
    even_stale: bool = False
    expand: bool = False
    addressed: bool = False
    status: str = ""
    action: str | None = None
    once: bool = False

    @property
    def max_attempts(self) -> int:
        """After so many failed attempts the handler's run is dead."""
        return int(settings.HANDLER_ATTEMPTS) if self.retries is None else self.retries + 1

    @property
    def seconds(self) -> float:
        """How long one attempt may take; in a transaction on SQLite at most ``LOCK_SECONDS``."""
        asked = float(settings.HANDLER_SECONDS) if self.timeout is None else self.timeout
        return min(asked, LOCK_SECONDS) if self.atomic and connection.vendor == "sqlite" else asked

    @property
    def is_async(self) -> bool:
        """Whether the handler is run in an event loop, as what it yields is."""
        return is_async(self.function) or yields(self.function)

    @property
    def is_on(self) -> bool:
        """Whether the handler runs where no operator has said otherwise. With a setting that does not exist it is off;
        a system check says so."""
        return bool(getattr(settings, self.enabled, False)) if isinstance(self.enabled, str) else self.enabled

    def matches(self, event: "Event") -> bool:
        """Whether the handler is for this event, whose type it is for."""
        return not self.status or event.data.get("status") == self.status


class HandlerRegistry:
    """The handlers of a process: those of events by name, those of clicks by the action they answer.

    What is wrong with a registration is kept until ``check``, so that importing a module of handlers never fails half-way
    and all of it is reported at once.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Registration] = {}
        self._card_handlers: dict[str, Registration] = {}
        self._by_type: dict[str, list[Registration]] = {}
        self._faults: list[str] = []
        self._is_checked = False

    def add(self, handler: Registration) -> None:
        """Register a handler. Of two with one name, or one action, the first stays."""
        faults = list(self._faults_of(handler))
        if faults and self._is_checked:
            raise ImproperlyConfigured("\n".join(faults))
        self._faults += faults
        if handler.action is None:
            self._handlers.setdefault(handler.name, handler)
            self._by_type.clear()
        else:
            self._card_handlers.setdefault(handler.action, handler)

    def check(self) -> None:
        """Raises ImproperlyConfigured with a line for each wrong registration; those that follow raise at once."""
        self._is_checked = True
        if self._faults:
            raise ImproperlyConfigured("\n".join(self._faults))

    def _faults_of(self, new: Registration) -> Iterator[str]:
        subject = f"The handler registered at {new.place}"
        function: object = new.function  # whatever its annotation says
        if not callable(function):
            yield f"{subject} cannot be called."
        if fault := fault_of_name(new.name):
            yield f'{subject} {fault}: give it one with name="…".'
        elif other := self.named(new.name):
            yield (
                f"{subject} has the name {new.name} of the one registered at {other.place}: give each a name of its own "
                'with name="…", also where one function is registered twice or one factory made both.'
            )
        yield from (f"{subject} {fault}" for fault in _faults_of_yielding(new))
        if new.addressed and new.pattern != MESSAGE_RECEIVED:
            yield f"{subject} is for {new.pattern}: leave addressed out, which is for {MESSAGE_RECEIVED} alone."
        if new.action is not None:
            if other := self._card_handlers.get(new.action):
                yield f'{subject} answers clicks with the action "{new.action}", as does {other.name} at {other.place}.'
        elif new.pattern in CLICKS:
            yield f"{subject} is for {new.pattern}, which only on_card takes: a click is answered by its action."
        elif is_callback(new.pattern) and (other := self.of_callback(new.pattern)):
            yield f"{subject} answers {new.pattern}, as does {other.name} at {other.place}: a callback has one answer."

    def __iter__(self) -> Iterator[Registration]:
        return chain(self._handlers.values(), self._card_handlers.values())

    def named(self, name: str) -> Registration | None:
        return self._handlers.get(name) or next(
            (handler for handler in self._card_handlers.values() if handler.name == name), None
        )

    def of_callback(self, event_type: str, action: str = "") -> Registration | None:
        if event_type in CLICKS:
            return self._card_handlers.get(action) or self._card_handlers.get("")
        return next((handler for handler in self._handlers.values() if handler.pattern == event_type), None)

    @property
    def single_use_actions(self) -> frozenset[str]:
        return frozenset(action for action, handler in self._card_handlers.items() if handler.once)

    def matching(self, event: "Event", errors: dict[str, Exception] | None = None) -> list[Registration]:
        found = []
        for handler in self._of_type(event.event_type):
            try:
                if handler.matches(event):
                    found.append(handler)
            except Exception as error:
                if errors is None:
                    raise
                errors[handler.name] = error
                found.append(handler)
        return found or [handler for handler in self._handlers.values() if handler.pattern == OTHERS]

    def _of_type(self, event_type: str) -> list[Registration]:
        """The handlers whose pattern the type is of: to compare an event with all of them takes as long as reading it."""
        found = self._by_type.get(event_type)
        if found is None:
            if len(self._by_type) >= MAX_TYPES:
                self._by_type.clear()
            handlers = self._handlers.values()
            found = [one for one in handlers if fnmatchcase(event_type, one.pattern)]
            self._by_type[event_type] = found
        return found


_registry = HandlerRegistry()


def on(
    pattern: str,
    *,
    name: str = "",
    retries: int | None = None,
    timeout: float | None = None,
    atomic: bool | None = None,
    ordered_by: OrderedBy = "chat",
    enabled: bool | str = True,
    even_stale: bool = False,
    expand: bool = False,
    addressed: bool = False,
) -> Callable[[H], H]:
    """Register ``function(event, bot)``, sync or async, for events whose type is ``pattern``. Texts that it yields are
    shown as they come, in one reply to the event's message.

    ``pattern`` may hold wildcards (``contact.user.*_v3``), be ``*`` for every event, or a name of ``events.handling.aliases``.

    ``name``: the handler's identity in the database, the Python path of the function where none is given. Runs that wait
    and the switches of operators follow it, so name a handler before it moves, and give the path it had. A partial, a
    lambda and an object need one.

    ``retries``: attempts after the first one; FEISHU_HANDLER_ATTEMPTS decides otherwise. ``timeout``: seconds one attempt may
    take; FEISHU_HANDLER_SECONDS otherwise. ``atomic``: the handler's writes and the note that it succeeded share one
    transaction, as they do unless it answers a callback or yields; switch it off for a handler that talks to the network, so that no
    transaction waits for it. On SQLite one attempt of an atomic handler may take at most ``LOCK_SECONDS``.

    ``ordered_by``: events with the same key run one after the other, in the order of arrival. ``"chat"`` takes the chat
    of a message and orders nothing else; a function gets the event and returns the key, None for no order; None runs
    everything side by side.

    ``enabled``: False, or the name of a Django setting that is false, leaves the handler off until an operator switches
    it on for a bot.

    ``even_stale``: also for events that reached the portal too late, because what they say stays true, such as that
    somebody has left. Leave it out for a handler that answers people: an answer after an hour does harm.

    ``expand``: before the handler is called, the messages that an im.message.receive_v1 refers to are fetched, once for the
    event: those in a merged forward, and the one that is answered. They are in ``event.expanded`` (``events.expansion``), None
    for a message that refers to none; that takes some seconds of the handler's time.

    ``addressed``: only messages that are for the bot, see ``events.is_addressed``: those of direct chats, and of a group those
    that operators have set on the bot's page, by default the ones that mention it. The run of another is skipped.
    """
    place = place_of_caller()

    def register(function: H) -> H:
        alias = resolve(pattern)
        _registry.add(
            Registration(
                name=name or default_name(function),
                pattern=alias.event_type,
                function=function,
                place=place,
                atomic=_is_atomic(function, alias.event_type) if atomic is None else atomic,
                retries=retries,
                timeout=timeout,
                ordered_by=ordered_by,
                enabled=enabled,
                even_stale=even_stale,
                expand=expand,
                addressed=addressed,
                status=alias.status,
            )
        )
        return function

    return register


def _faults_of_yielding(new: Registration) -> Iterator[str]:
    if not callable(new.function) or not yields(new.function):
        return
    if new.action is not None or is_callback(new.pattern):
        yield "yields its answer, and a callback waits for one that is returned."
    elif new.atomic:
        yield "yields its answer, which no transaction may wait for: leave atomic out."


def _is_atomic(function: Handler, event_type: str) -> bool:
    return not is_callback(event_type) and not (callable(function) and yields(function))


def on_card(
    action: str,
    *,
    name: str = "",
    timeout: float | None = None,
    atomic: bool = False,
    enabled: bool | str = True,
    once: bool = False,
) -> Callable[[H], H]:
    """Register ``function(event, bot)``, sync or async, for card clicks that ask for ``action``: ``action.value["action"]``,
    or the value where it is a plain word; else the name of what was clicked, as of a form's submit button; else its tag,
    such as ``overflow``. With the action "" it takes every click that no other handler does.

    ``event.data["action"]`` has what was chosen or filled in: ``form_value``, ``option``, ``options``, ``checked``,
    ``input_value``, ``timezone``. ``once``: the button works once on its message, whoever clicks, as with ``"once": true`` in
    its value.

    What it returns is the answer to the click (``callback_response``); None leaves the card as it is. When it takes
    longer than the platform waits, it goes on in the background and its card is put in place later. A click is never
    tried again by itself: who clicked decides. ``name`` and ``enabled``: see ``on``.
    """
    place = place_of_caller()

    def register(function: H) -> H:
        _registry.add(
            Registration(
                name=name or default_name(function),
                pattern=CLICK,
                function=function,
                place=place,
                atomic=atomic,
                retries=0,
                timeout=timeout,
                enabled=enabled,
                action=action,
                once=once,
            )
        )
        return function

    return register


def handlers_of(event: "Event", errors: dict[str, Exception] | None = None) -> list[Registration]:
    """Every handler of this event, in the order of registration.

    With ``errors`` a handler for which that cannot be told is among them, and what was raised is there under its name.
    """
    if is_callback(event.event_type):
        handler = handler_of_callback(event.event_type, action_of(event.data))
        return [handler] if handler else []
    return _registry.matching(event, errors)


def handler_named(name: str) -> Registration | None:
    """The handler of that name; None where this process does not have it installed."""
    return _registry.named(name)


def known_handlers() -> list[Registration]:
    """Every handler there is, those of events first."""
    return list(_registry)


def handler_of_callback(event_type: str, action: str) -> Registration | None:
    """The one handler that answers a callback: by its action for a click, by its type for another."""
    return _registry.of_callback(event_type, action)


def action_of(data: dict[str, Any]) -> str:
    """What a click asks for; see ``on_card``."""
    return card_buttons.action_of(data.get("action"))


def is_single_use(action: str) -> bool:
    """Whether the handler of this action makes its button work once on a message."""
    handler = _registry.of_callback(CLICK, action)
    return handler is not None and handler.once


def single_use_actions() -> frozenset[str]:
    """The actions whose buttons work once on a message because their handler says so."""
    return _registry.single_use_actions


def check_handlers() -> None:
    """Raises ImproperlyConfigured when a handler was registered wrongly, with a line for each."""
    _registry.check()
