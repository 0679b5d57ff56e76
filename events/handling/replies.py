"""Handlers that write their answer as it comes: what one yields is typed into a reply to the event's message.

An attempt after one that failed writes on the same card, and one after an answer that was whole writes nothing: what a handler
yields for an event is shown once.
"""

import contextlib
from collections.abc import AsyncGenerator
from functools import partial
from inspect import isasyncgen, isgenerator
from typing import Any, Final

from asgiref.sync import sync_to_async

from bots.enums import SendingKind
from bots.sending.content import Outgoing
from bots.streaming.records import Author
from bots.streaming.service import stream
from events.models import Event, HandlerRun
from feishu.values import mapping_of, text_of

_END: Final[Any] = object()


class NothingToAnswerError(Exception):
    """A handler yields an answer to an event that is about no message."""

    def __init__(self, event_type: str) -> None:
        super().__init__(
            f"What a handler yields is a reply to the event's message, and {event_type} is about none: send it with OpenAPI."
        )


def replying(result: Any, run: HandlerRun) -> Any:
    """What the handler of a run returned; where it yields, a coroutine that streams it as a reply."""
    texts: Any = _stepwise(result) if isgenerator(result) else result
    return _reply(texts, run) if isasyncgen(texts) else result


async def _reply(texts: Any, run: HandlerRun) -> None:
    async with contextlib.aclosing(texts):
        to = addressee(run.event)
        key = f"{run.handler}\n{run.event_id}\n{run.round}"
        author = Author(actor=f"handler:{run.handler}", key=key, is_alone=True)
        await stream(bot=run.event.bot, to=to, texts=texts, author=author)


def addressee(event: Event) -> Outgoing:
    """The event's message, to be answered, in its topic where it has one. Raises NothingToAnswerError."""
    facts = mapping_of(event.data.get("message")) or event.data
    message_id = text_of(facts.get("message_id"))
    if not message_id:
        raise NothingToAnswerError(event.event_type)
    return Outgoing(
        kind=SendingKind.REPLY, target=message_id, content={}, in_thread=bool(facts.get("thread_id"))
    )


async def _stepwise(generator: Any) -> AsyncGenerator[str, None]:
    """A sync handler, whose steps run on its own thread as the ORM's calls of an async one do."""
    step: Any = sync_to_async(partial(next, generator, _END))
    try:
        while (text := await step()) is not _END:
            yield text
    finally:
        with contextlib.suppress(ValueError):  # it is at a step that nobody waits for any more
            generator.close()
