"""A queue for each chat, person or message: the platform takes five messages a second for one of them.

Page "Send message": 5 QPS per user and per chat, beyond it code 230020; page "Update a message card": 5 QPS per message.
Everything that a process sends through ``feishu.openapi.OpenAPI`` waits here: of API clients, of handlers, cards and
greetings of the portal's own. Calls through the proxy, those of an agent's tools included, do not: which chat one is for stands
in a body that the proxy streams unread or, for a reply, nowhere in it, and its callers are promised the platform's own answer.
230020 says that nothing was sent; the caller, who alone knows what may wait, sends it again.

``ChatQueues`` keeps the times in this process alone; `bots.sending.shared_pacing` for all that share a Redis. Where others send to
the chat as well, or Redis is away, the platform says 230020 and all of them wait.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from core.background.pace import Pace, steady_now
from feishu.codes import PER_CHAT
from feishu.errors import RateLimited
from feishu.reasons import Reason

T = TypeVar("T")

LONGEST_WAIT: Final = timedelta(seconds=3)
"""That a request waits for its turn, all together; it holds a thread meanwhile."""
MAX_CHATS: Final = 10_000
PACE: Final = Pace(rate=5)


class Queues(Protocol):
    """When the next message to each chat may start."""

    def take(self, chat: Hashable, *, until: datetime) -> float:
        """Take the next turn; in how many seconds it is. Raises RateLimited where it is not before ``until``, a time of
        ``steady_now``."""

    def pause(self, chat: Hashable, seconds: float) -> None:
        """The platform takes nothing for this chat for so long."""


class ChatQueues:
    """When the next message to each chat may start. Thread-safe."""

    def __init__(self) -> None:
        self._next: OrderedDict[Hashable, datetime] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, chat: Hashable, *, until: datetime) -> float:
        """Take the next turn; in how many seconds it is. Raises RateLimited where it is not before ``until``, a time of
        ``steady_now``."""
        now = steady_now()
        with self._guard:
            begins = self._next.get(chat)
            turn = now if PACE.allowed(begins, now) else begins or now
            if turn > until:
                raise too_many((turn - now).total_seconds())
            self._keep(chat, PACE.after(begins, turn, 1))
        return (turn - now).total_seconds()

    def pause(self, chat: Hashable, seconds: float) -> None:
        """The platform takes nothing for this chat for so long."""
        opens = steady_now() + timedelta(seconds=seconds)
        with self._guard:
            self._keep(chat, max(self._next.get(chat, opens), opens))

    def _keep(self, chat: Hashable, at: datetime) -> None:
        self._next[chat] = at
        self._next.move_to_end(chat)
        if len(self._next) > MAX_CHATS:
            self._next.popitem(last=False)


def too_many(seconds: float) -> RateLimited:
    """The next turn of a chat comes too late, in so many seconds."""
    return RateLimited(
        "too many messages wait for this chat, person or message", reset_after=seconds, reason=Reason.PACED
    )


def in_turn(chat: Hashable, send: Callable[[], T], *, queues: Queues) -> T:
    """What ``send`` returns, called when it is this message's turn, and again where the platform says that the chat has had
    enough, which sent nothing. Waits three seconds at most. Raises RateLimited beyond, and what ``send`` raises."""
    until = steady_now() + LONGEST_WAIT
    while True:
        if wait := queues.take(chat, until=until):
            time.sleep(wait)
        try:
            return send()
        except RateLimited as error:
            if error.code not in PER_CHAT:
                raise
            queues.pause(chat, error.reset_after)
            if steady_now() + timedelta(seconds=error.reset_after) > until:
                raise
