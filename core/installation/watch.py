"""The state of this process's database, looked at again every few seconds: what everything that acts asks first."""

import asyncio
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from django.db import Error, connection

from core.database.connections import give_back
from core.database.errors import described
from core.installation import state
from core.installation.state import ACTIVE, CAUSES, Cause, PortalState
from feishu.departures import departures
from feishu.text import Text

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5
"""That a request on an event loop waits for a look; then what was last known holds, so that callbacks are answered in time."""
CURE: Final = Text(
    "若原安装已停用，且应由本安装接替，请执行 manage.py adoptrestore",
    "Where the original no longer runs and this installation takes its place, run manage.py adoptrestore",
)
CURE_OF_SETTING: Final = Text(
    "若应由本安装工作，请取消 FEISHU_PASSIVE 并重新启动",
    "Where it should act, unset FEISHU_PASSIVE and restart",
)


# Of its own: the threads that event loops share may all be waiting for a name that nobody resolves.
_thread = ThreadPoolExecutor(1, thread_name_prefix="installation")


class Watch:
    """One for a process; any thread may ask. While the database does not answer, what was last known holds."""

    def __init__(self) -> None:
        self.last = ACTIVE
        """What was last known, for those who cannot wait."""
        self._looked_at: float | None = None
        self._looking = threading.Lock()
        self._asked: Future[PortalState] | None = None
        self._is_pinned = False

    @property
    def _is_fresh(self) -> bool:
        return self._looked_at is not None and time.monotonic() - self._looked_at < FRESH_SECONDS

    def current(self) -> PortalState:
        """At most a few seconds old."""
        if (
            not self._is_pinned
            and not self._is_fresh
            and self._looking.acquire(blocking=self._looked_at is None)
        ):
            try:
                if not self._is_fresh:
                    self._look()
            finally:
                self._looking.release()
        return self.last

    def is_passive(self) -> bool:
        """Whether nothing may be done; at most a few seconds old."""
        return self.current().is_passive

    async def acurrent(self) -> PortalState:
        """The same on an event loop; what was last known while the database is slow."""
        if self._is_pinned or self._is_fresh:
            return self.last
        if self._asked is None or self._asked.done():
            self._asked = _thread.submit(self._current_and_give_back)
        patience = None if self._looked_at is None else LOOK_SECONDS
        await asyncio.wait({asyncio.wrap_future(self._asked)}, timeout=patience)
        return self.last

    def _current_and_give_back(self) -> PortalState:
        try:
            return self.current()
        finally:
            give_back(before_waiting=True)

    def judge(self) -> PortalState:
        """As it is at this moment, within the transaction that is under way. Raises django.db.Error."""
        if not self._is_pinned:
            self._set(state.judge())
        return self.last

    def _look(self) -> None:
        try:
            self._set(state.judge() if connection.in_atomic_block else state.look())
        except Error as error:
            logger.debug("installation_not_looked_at", extra=described(error))
            connection.close_if_unusable_or_obsolete()
        self._looked_at = time.monotonic()

    def _set(self, found: PortalState) -> None:
        before, self.last = self.last, found
        if found.cause == before.cause:
            return
        if found.cause is None:
            logger.warning("portal_active")
        else:
            logger.warning(
                "portal_passive", extra={"cause": CAUSES[found.cause].en_us, "cure": cure(found.cause).en_us}
            )

    def may_nothing_depart(self) -> bool:
        """For requests that leave this process. One that never looked does so now, where it can wait."""
        if self._looked_at is None and not self._is_pinned and asyncio._get_running_loop() is None:  # noqa: SLF001 -- the public one raises
            self.current()
        return self.last.is_passive

    def forget(self) -> None:
        """Look again when asked next."""
        self._looked_at = None

    def pin(self, found: PortalState) -> None:
        """Hold for this process whatever the database says: for tests and benchmarks."""
        self.last, self._is_pinned = found, True

    def unpin(self) -> None:
        self.last, self._is_pinned, self._looked_at = ACTIVE, False, None


def cure(cause: Cause) -> Text:
    """What to do about it."""
    return CURE_OF_SETTING if cause == Cause.SETTING else CURE


def sentence(found: PortalState) -> Text | None:
    """What commands and pages say of a passive portal; None for an active one."""
    if found.cause is None:
        return None
    why, what = CAUSES[found.cause], cure(found.cause)
    return Text(
        f"本门户处于被动模式：{why.zh_cn}。不连接机器人，不刷新令牌，也不发送任何内容。{what.zh_cn}。",
        f"This portal is passive: {why.en_us}. It connects no bot, refreshes no token and sends nothing. {what.en_us}.",
    )


watch = Watch()
departures.is_closed = watch.may_nothing_depart
