"""Writing a reply that grows: text as it comes from whoever writes it, cards as ``feishu.streaming`` says, and a row that says what
is open.

Whatever happens to the one who writes, the cards are closed: here, at once; and where the process is gone, by a sweep
(``bots.streaming.closing``).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.db import Error

from bots.enums import StreamState
from bots.metrics import count_stream
from bots.models import Bot, ReplyStream
from bots.sending.content import Outgoing
from bots.streaming import records
from bots.streaming.performing import Performer
from bots.streaming.records import ENDED, RENEW_SECONDS, Author
from bots.streaming.threads import at_platform, in_database
from core.background.limits import ConcurrencyLimits
from core.vault.redaction import redact_text
from feishu.errors import FeishuError, RateLimited
from feishu.openapi import OpenAPI
from feishu.reasons import Reason
from feishu.streaming.reply import (
    MIN_INTERVAL,
    OLD_SEQUENCE,
    Kind,
    Over,
    ReplyCall,
    ReplyEnding,
    StreamedReply,
    Wait,
    Way,
)

logger = logging.getLogger(__name__)

MAX_CHARACTERS: Final = 400_000
"""Of one reply; beyond, the rest is left out and the card says so."""
MAX_SECONDS: Final = 3600.0
"""That a reply may take."""
BOT_RATE: Final = 12.0
"""Changes of cards a second that one bot makes here: the platform takes 1000 a minute of each app."""
MAX_OF_BOT: Final = 256
"""Replies of one bot under way in this process."""
CANCEL_SECONDS: Final = 0.8
"""For closing the card of a writer who is cancelled, as a handler is that takes too long; then a sweep does it."""
END_PAUSES: Final = (0.0, 1.0, 5.0)

_writing = ConcurrencyLimits()
_STATES: Final = {
    ReplyEnding.COMPLETE: StreamState.COMPLETE,
    ReplyEnding.INTERRUPTED: StreamState.INTERRUPTED,
    ReplyEnding.TOO_LONG: StreamState.TOO_LONG,
}


class TakenOverError(Exception):
    """Somebody else writes on the cards now: a sweep, or another attempt."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What became of a reply. ``messages``: message_ids, in order; none where there was no text. ``is_repeated``: by an
    earlier attempt with the same key; this one sent nothing."""

    pk: int
    state: StreamState
    messages: list[str]
    chat_id: str
    way: Way
    characters: int
    is_repeated: bool = False


async def stream(*, bot: Bot, to: Outgoing, texts: AsyncGenerator[str, None], author: Author) -> Streamed:
    """Show what ``texts`` yields, as it comes, and close the cards when it ends or raises, which is raised here as well.

    ``to``: whom it is for; its content counts for nothing. Raises SendingError, BotDisabledError, SealedValueError, FeishuError
    where the platform takes no more of it, and TakenOverError.
    """
    async with contextlib.aclosing(texts):
        api = await in_database(lambda: OpenAPI(bot.credentials))
        row = await in_database(partial(records.begin, bot=bot, to=to, author=author))
        if row.state in ENDED:
            return _repeated(row)
        return await _Writer(row, to, api).write(texts)


def _repeated(row: ReplyStream) -> Streamed:
    way = Way.STREAMED if all(card_id for card_id, _message_id in row.pages) else Way.PATCHED
    return Streamed(
        row.pk, StreamState(row.state), row.message_ids, row.chat_id, way, row.characters, is_repeated=True
    )


class _Writer:
    """One attempt at one reply."""

    def __init__(self, row: ReplyStream, to: Outgoing, api: OpenAPI) -> None:
        self._row = row
        self._reply = StreamedReply(epoch=row.epoch, pages=row.pages, interval=self._interval)
        self._performer = Performer(row, to, api)
        self._changed = asyncio.Event()
        self._chat_id = row.chat_id
        self._characters = 0
        self._renewed = time.monotonic()

    def _interval(self) -> float:
        return max(MIN_INTERVAL, _writing.taken(self._row.bot_id) / BOT_RATE)

    async def write(self, texts: AsyncIterator[str]) -> Streamed:
        full = RateLimited("too many replies are being written", reason=Reason.PACED)
        with _writing.place(self._row.bot_id, limit=MAX_OF_BOT, full=full):
            return await self._written(texts)

    async def _written(self, texts: AsyncIterator[str]) -> Streamed:
        showing = asyncio.create_task(self._show())
        try:
            try:
                fault = await self._collect(texts, showing)
            finally:
                self._reply.end(ReplyEnding.INTERRUPTED)
                self._changed.set()
            await asyncio.shield(showing)
        except asyncio.CancelledError as error:
            await asyncio.wait({showing}, timeout=CANCEL_SECONDS)
            await self._end(showing, error)
            raise
        except Exception as error:
            await self._end(showing, error)
            raise
        await self._end(showing, fault)
        if fault is not None:
            raise fault
        return Streamed(
            self._row.pk,
            self._state(),
            [page.message_id for page in self._reply.pages if page.message_id],
            self._chat_id,
            self._reply.way,
            self._characters,
        )

    def _state(self) -> StreamState:
        return _STATES[self._reply.ending or ReplyEnding.INTERRUPTED]

    # --- text in

    async def _collect(self, texts: AsyncIterator[str], showing: "asyncio.Task[None]") -> Exception | None:
        """Take the text in; what its writer raised. Ends early when it cannot be shown any more."""
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout(MAX_SECONDS)

        def stop(_task: object) -> None:
            if not limit.expired():
                with contextlib.suppress(RuntimeError):  # it is over
                    limit.reschedule(loop.time())

        try:
            async with limit:
                showing.add_done_callback(stop)
                async for text in texts:
                    if not self._add(text):
                        return None
        except TimeoutError as error:
            return None if limit.expired() else error
        except Exception as error:  # noqa: BLE001 -- whatever its writer raises: raised again when the card is closed
            return error
        finally:
            showing.remove_done_callback(stop)
        self._reply.end(ReplyEnding.COMPLETE)
        return None

    def _add(self, text: str) -> bool:
        """Whether more may come."""
        if not isinstance(text, str):
            raise TypeError(f"a reply is written in text, not in {type(text).__name__}")
        room = MAX_CHARACTERS - self._characters
        self._reply.add(text[:room])
        self._characters += min(len(text), room)
        if len(text) > room:
            self._reply.end(ReplyEnding.TOO_LONG)
        self._changed.set()
        return self._reply.ending is None

    # --- cards out

    async def _show(self) -> None:
        """Do what the reply says, until it is over. Raises FeishuError or TakenOverError."""
        while True:
            self._changed.clear()
            step = self._reply.next(time.monotonic())
            match step:
                case Over():
                    return
                case Wait(until):
                    await self._wait(until)
                case ReplyCall():
                    await self._do(step)
            if time.monotonic() >= self._renewed + RENEW_SECONDS:
                await self._keep()

    async def _wait(self, until: float | None) -> None:
        now = time.monotonic()
        left = max(0.0, self._renewed + RENEW_SECONDS - now)
        if until is not None:
            await asyncio.sleep(min(left, until - now))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._changed.wait()

    async def _do(self, call: ReplyCall) -> None:
        page = self._reply.pages[call.page]
        if call.kind is Kind.SEND:
            # Before it is sent: where this process ends now, a sweep knows what may be there.
            await self._keep(noting=True)
        try:
            performed = await at_platform(partial(self._performer.perform, call, page))
        except FeishuError as error:
            if error.code == OLD_SEQUENCE:
                await self._keep()
            self._reply.failed(call, error, time.monotonic())
            return
        self._chat_id = performed.chat_id or self._chat_id
        self._reply.done(call, time.monotonic(), card_id=performed.card_id, message_id=performed.message_id)
        if call.kind is Kind.SEND:
            await self._keep(noting=True)

    async def _keep(self, *, noting: bool = False) -> None:
        """Raises TakenOverError. Without a database the reply goes on: nobody else can claim it meanwhile either."""
        pages = (
            [(page.card_id, page.message_id) for page in self._reply.pages[: self._noted]] if noting else None
        )
        try:
            is_ours = await in_database(
                partial(records.keep, self._row, pages, chat_id=self._chat_id if noting else "")
            )
        except Error as error:
            records.log_not_written(error)
            is_ours = True
        self._renewed = time.monotonic()
        if not is_ours:
            raise TakenOverError

    @property
    def _noted(self) -> int:
        """How many cards there are, or are about to be."""
        return max(
            (number for number, page in enumerate(self._reply.pages, 1) if page.card_id or page.message_id),
            default=1,
        )

    # --- the end

    async def _end(self, showing: "asyncio.Task[None]", fault: BaseException | None) -> None:
        """Write down how it ended. What could not be closed is left to the next sweep."""
        is_shown = showing.done() and not showing.cancelled() and showing.exception() is None
        if not showing.done():
            showing.cancel()
            await asyncio.wait({showing})
        failure = None if showing.cancelled() else showing.exception()
        if isinstance(failure, TakenOverError):
            count_stream("taken_over")
            return
        state = self._state() if failure is None else StreamState.FAILED
        count_stream(state.value)
        self._log(state, failure or fault)
        told = failure or fault
        write = partial(
            records.end,
            self._row,
            state,
            characters=self._characters,
            error=told if isinstance(told, Exception) else None,
            is_closed=is_shown or not any(page.card_id or page.message_id for page in self._reply.pages),
        )
        for pause in END_PAUSES:
            await asyncio.sleep(pause)
            try:
                await in_database(write)
            except Error as error:
                records.log_not_written(error)
            else:
                return

    def _log(self, state: StreamState, error: BaseException | None) -> None:
        if state in ENDED and error is None:
            return
        extra: dict[str, object] = {
            "app_id": self._row.bot.app_id,
            "stream": self._row.pk,
            "state": state.value,
            "error": redact_text(str(error)) if error is not None else "",
        }
        if isinstance(error, FeishuError):
            extra |= {"platform_code": error.code, "log_id": error.log_id}
        logger.warning("reply_not_complete", extra=extra)
