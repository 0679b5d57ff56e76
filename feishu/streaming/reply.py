"""A reply that grows, as a sans-I/O state machine: text in, the next call to the platform out, and what its outcome changes.

Text is collected and shown at intervals. A card that is full is closed, and the reply goes on on the next one. Every call about
a card has a higher ``sequence`` than the one before, also where nobody knows whether that one arrived: an outcome that is
unknown costs a number, no order. Each attempt at a reply, known by its ``epoch``, has a range of numbers of its own above those
of all attempts before, so that the platform itself refuses one that was taken over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from feishu.errors import APIError, FeishuError, MissingScope, RateLimited
from feishu.streaming.cards import INTERRUPTED, REPLACED, TOO_LONG, TYPING
from feishu.streaming.cutting import HARD, cut
from feishu.text import Text

EPOCH: Final = 1_000_000
"""Sequence numbers of one attempt."""
MAX_EPOCH: Final = 2_000
"""Attempts at one reply, sweeps among them: the platform takes a positive int32 as a sequence number."""
MAX_CARDS: Final = 40
"""Of one reply."""
MIN_INTERVAL: Final = 0.25
"""Seconds between two changes of a card: the platform takes ten calls a second, and nobody reads faster."""
PATCH_INTERVAL: Final = 1.0
"""The same where the whole message is replaced, of which the platform takes five a second."""
PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
"""Before a call is repeated."""
CLICK_PAUSE: Final = 0.5
GIVE_UP_SECONDS: Final = 60.0
"""For so long a reply waits for a platform that takes nothing."""
SEQUENCE_LEAP: Final = 1_000
MOST_REFUSALS: Final = 5
"""In a row, of sequence numbers, or of streaming that was switched on again."""

OLD_SEQUENCE: Final = 300317
BEING_CLICKED: Final = 200810
TOO_LARGE: Final = 200860
DUPLICATE_ELEMENT: Final = 300301
STREAMING_OVER: Final = frozenset({200510, 200850, 300309})
NO_SUCH_API: Final = frozenset({404, 405, 501})
"""HTTP statuses of a platform without card entities."""


class ReplyEnding(StrEnum):
    """Why no more text comes."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    TOO_LONG = "too_long"


class Kind(StrEnum):
    """What a call does."""

    CREATE = "create"
    """Make a card with this text; answers with a card_id."""
    SEND = "send"
    """Send the card, or with ``Way.PATCHED`` a message with this text; answers with a message_id."""
    TYPE = "type"
    RENEW = "renew"
    """The whole card, as it was created: an earlier attempt has written on it."""
    REOPEN = "reopen"
    """Switch streaming on again."""
    NOTE = "note"
    """Add a line at the end."""
    CLOSE = "close"
    PATCH = "patch"
    """Put a message in the place of the one that was sent."""


class Way(StrEnum):
    """How a reply is shown."""

    STREAMED = "streamed"
    """Typed into a card entity."""
    PATCHED = "patched"
    """A message that is replaced again and again, where the app may have no card entities."""


@dataclass(frozen=True, slots=True)
class ReplyCall:
    """The next call. ``page``: which card of the reply."""

    kind: Kind
    page: int
    sequence: int = 0
    text: str = ""
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time; None: before something changes."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """All is shown and closed."""


Step: TypeAlias = ReplyCall | Wait | Over


@dataclass(slots=True)
class ReplyPage:
    """One card of a reply, or one message. An earlier attempt may have left it."""

    card_id: str = ""
    message_id: str = ""
    is_ours: bool = True
    """Whether this attempt has written on it."""
    head: str = ""
    """Opens the code block again that was cut; the text begins with it."""
    text: str | None = None
    """Its part of the reply, once that is certain."""
    tail: str = ""
    """Closes the code block that is cut."""
    shown: str = ""
    note: Text | None = None
    is_streaming: bool = True
    is_closed: bool = False


_NOTES: Final = {ReplyEnding.INTERRUPTED: INTERRUPTED, ReplyEnding.TOO_LONG: TOO_LONG}
_GONE: Final = f"{REPLACED.zh_cn}\n{REPLACED.en_us}"


class StreamedReply:
    """One attempt at a reply.

    ``interval``: seconds between two changes of the card, asked each time. ``pages``: card_id and message_id of the cards that
    earlier attempts have left, which are rewritten. Times are seconds of any steady clock.
    """

    def __init__(
        self,
        *,
        epoch: int = 0,
        pages: Sequence[tuple[str, str]] = (),
        interval: Callable[[], float] = lambda: MIN_INTERVAL,
        limit: int = HARD,
    ) -> None:
        self.way = Way.PATCHED if any(not card_id for card_id, _message_id in pages) else Way.STREAMED
        self.pages = [ReplyPage(card_id, message_id, is_ours=False) for card_id, message_id in pages] or [
            ReplyPage()
        ]
        self.ending: ReplyEnding | None = None
        self._interval = interval
        self._limit = limit
        self._sequence = epoch * EPOCH
        self._at = 0
        self._rest = ""
        """The text of the page that is being written, and all that follows."""
        self._not_before = 0.0
        self._next_change = 0.0
        self._refusals = 0
        self._failures = 0
        self._failing_since: float | None = None

    # --- text

    def add(self, text: str) -> None:
        """More of the text. Counts for nothing after its end."""
        if self.ending is None:
            self._rest += text

    def end(self, ending: ReplyEnding) -> None:
        """No more text comes; the first reason counts."""
        self.ending = self.ending or ending

    # --- what to do

    def next(self, now: float) -> Step:
        """What to do now."""
        if now < self._not_before:
            return Wait(self._not_before)
        while True:
            page = self.pages[self._at]
            if page.text is None:
                self._fill(page)
                page = self.pages[self._at]
            step = self._streamed(page, now) if self._is_streamed(page) else self._patched(page, now)
            if step is not None:
                return step
            if self._at + 1 == len(self.pages):
                return Over()
            self._at += 1

    def _fill(self, page: ReplyPage) -> None:
        """Decide which part of the text is this page's, once it is full or all of the text is there."""
        found = cut(self._rest, shown=len(page.shown), limit=self._limit)
        if found is not None and self._at + 1 < MAX_CARDS:
            page.text, page.tail = self._rest[: found.at], found.tail
            self._rest = found.head + self._rest[found.at :]
            if self._at + 1 == len(self.pages):
                self.pages.append(ReplyPage())
            self.pages[self._at + 1].head = found.head
        elif found is not None:
            self._rest = self._rest[: found.at] + found.tail
            self.ending = ReplyEnding.TOO_LONG
        if page.text is None and self.ending is not None:
            self._fill_last(page, _NOTES.get(self.ending))

    def _fill_last(self, page: ReplyPage, note: Text | None) -> None:
        page.text, self._rest = self._rest, ""
        if page.text[len(page.head) :].strip():
            page.note = note
            return
        page.text = "" if page.is_ours else _GONE
        if self._at and note is not None:
            # Nothing came after the page before, which says so.
            before = self.pages[self._at - 1]
            if before.text != _GONE:
                before.note, before.is_closed = note, False
                self._at -= 1

    def _is_streamed(self, page: ReplyPage) -> bool:
        return bool(page.card_id) or (self.way is Way.STREAMED and not page.message_id)

    def _wanted(self, page: ReplyPage) -> str:
        return self._rest if page.text is None else page.text + page.tail

    def _streamed(self, page: ReplyPage, now: float) -> Step | None:
        wanted = self._wanted(page)
        if not wanted[len(page.head) :].strip():
            return Wait() if page.text is None else None
        if not page.card_id:
            return ReplyCall(Kind.CREATE, self._at, text=wanted)
        if not page.is_ours:
            return self._numbered(Kind.RENEW, text=wanted)
        if not page.message_id:
            return ReplyCall(Kind.SEND, self._at)
        return self._typed(page, wanted, now)

    def _typed(self, page: ReplyPage, wanted: str, now: float) -> Step | None:
        is_changed = wanted != page.shown
        if not page.is_streaming and (is_changed or page.note is not None):
            return self._numbered(Kind.REOPEN)
        if is_changed and now < self._next_change:
            return Wait(self._next_change)
        if is_changed:
            return self._numbered(Kind.TYPE, text=wanted)
        if page.text is None:
            return Wait()
        if page.note is not None:
            return self._numbered(Kind.NOTE, note=page.note)
        return None if page.is_closed else self._numbered(Kind.CLOSE, text=wanted)

    def _patched(self, page: ReplyPage, now: float) -> Step | None:
        wanted = self._wanted(page)
        if page.text is None and (wanted == page.shown or not wanted[len(page.head) :].strip()):
            return Wait()
        if page.is_closed or not wanted[len(page.head) :].strip():
            return None
        note = TYPING if page.text is None else page.note
        if not page.message_id:
            return ReplyCall(Kind.SEND, self._at, text=wanted, note=note)
        if now < self._next_change:
            return Wait(self._next_change)
        return ReplyCall(Kind.PATCH, self._at, text=wanted, note=note)

    def _numbered(self, kind: Kind, *, text: str = "", note: Text | None = None) -> ReplyCall:
        self._sequence += 1
        return ReplyCall(kind, self._at, self._sequence, text, note)

    # --- what came of it

    def done(self, call: ReplyCall, now: float, *, card_id: str = "", message_id: str = "") -> None:
        """The platform has done it."""
        self._failures, self._failing_since = 0, None
        page = self.pages[call.page]
        if call.kind is Kind.REOPEN:
            page.is_streaming, page.is_closed = True, False
            return
        self._refusals = 0
        match call.kind:
            case Kind.CREATE:
                page.card_id, page.shown = card_id, call.text
            case Kind.SEND:
                page.message_id = message_id
            case Kind.RENEW:
                page.is_streaming = True
            case Kind.NOTE:
                page.note = None
            case Kind.CLOSE:
                page.is_closed = True
        if call.kind is Kind.SEND and not page.is_ours:
            page.is_ours = True  # its message may have been there already, with an earlier text
        elif call.kind in {Kind.TYPE, Kind.RENEW, Kind.PATCH} or (call.kind is Kind.SEND and call.text):
            page.shown, page.is_ours = call.text, True
            page.is_closed = not self._is_streamed(page) and page.text is not None and call.note is page.note
        pause = 0.0 if self._is_streamed(page) else PATCH_INTERVAL
        self._next_change = now + max(pause, self._interval())

    def failed(self, call: ReplyCall, error: FeishuError, now: float) -> None:
        """The platform has not done it, or nobody knows. Raises the error where nothing can be done about it."""
        page = self.pages[call.page]
        code = error.code if isinstance(error, APIError) else None
        if code == OLD_SEQUENCE:
            # A number that was used without our knowing; after several of them somebody else writes on the card.
            self._count_refusal(error)
            self._sequence += SEQUENCE_LEAP
        elif code in STREAMING_OVER:
            self._count_refusal(error)
            page.is_streaming = False
        elif code == BEING_CLICKED:
            self._pause(error, now, CLICK_PAUSE)
        elif code == DUPLICATE_ELEMENT and call.kind is Kind.NOTE:
            self.done(call, now)  # by a call whose answer was lost
        elif code == TOO_LARGE and call.text:
            self._count_refusal(error)
            self._shrink(page)
        elif call.kind is Kind.CREATE and _is_impossible(error):
            self.way = Way.PATCHED
        elif is_passing(error):
            asked = error.reset_after if isinstance(error, RateLimited) else 0.0
            self._pause(error, now, max(asked, PAUSES[min(self._failures, len(PAUSES) - 1)]))
            self._failures += 1
        else:
            raise error

    def _count_refusal(self, error: FeishuError) -> None:
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            raise error

    def _pause(self, error: FeishuError, now: float, seconds: float) -> None:
        if self._failing_since is None:
            self._failing_since = now
        if now + seconds > self._failing_since + GIVE_UP_SECONDS:
            raise error
        self._not_before = now + seconds

    def _shrink(self, page: ReplyPage) -> None:
        """The card is full earlier than was thought: what it has stays, the rest goes on the next one."""
        self._limit = int(self._limit * 0.75)
        if page.text is not None:
            later = self.pages[self._at + 1].head if self._at + 1 < len(self.pages) else ""
            self._rest = page.text + self._rest[len(later) :]
            page.text, page.tail, page.note = None, "", None


def is_passing(error: FeishuError) -> bool:
    """Whether the same call may succeed a little later: calls about cards do no harm when they arrive twice."""
    return error.retryable or (error.http_status or 0) >= 500


def _is_impossible(error: FeishuError) -> bool:
    """Whether the app cannot have card entities: it lacks the scope, or the platform has no such API."""
    return isinstance(error, MissingScope) or error.http_status in NO_SUCH_API
