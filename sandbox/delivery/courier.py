"""Pushes events: which connection, the three-second deadline, the retries, ordered types, callbacks.

Rules as in the page "Event overview": a failed event is pushed again after 15 s, 5 min, 1 h and 6 h, a callback
never; any connection of the app may get it, and nothing is broadcast.
"""

import asyncio
import base64
import random
from collections import deque
from collections.abc import Coroutine
from typing import Any

import msgspec

from feishu.callbacks import is_callback
from feishu.frames import Frame, encode
from sandbox.config import AppConfig, Mode
from sandbox.delivery import envelopes, frames
from sandbox.delivery.webhook import Webhook
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.calls import masked
from sandbox.world.connections import Connection, Flight, Written
from sandbox.world.deliveries import AppAnswer, Attempt, Outcome, Push, PushKind
from sandbox.world.world import World

RETRY_SECONDS = (15.0, 300.0, 3600.0, 21600.0)
_LONGEST_LOGGED_PAYLOAD = 4000
_CROWDED = 2_000
_BREATHER_SECONDS = 0.005


class Courier:
    """Carries what is pushed until it is acknowledged or given up; lives in one event loop."""

    def __init__(self, world: World, webhook: Webhook) -> None:
        self._world = world
        self._webhook = webhook
        self._queues: dict[tuple[str, str], deque[Push]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def raise_event(
        self, app: AppConfig, event_type: str, event: Any, *, event_id: str | None = None
    ) -> Push | None:
        """Push a 2.0 event if the app is subscribed to its type."""
        if app.events is not None and event_type not in app.events:
            return None
        event_id = event_id or ids.event_id()
        payload = envelopes.schema_2(
            app, event_type, event, event_id=event_id, create_time=str(self._world.now_ms)
        )
        return self.push(app, payload, event_id=event_id, event_type=event_type)

    def raise_old_event(self, app: AppConfig, event_type: str, event: dict[str, Any]) -> Push | None:
        """Push a 1.0 event if the app is subscribed to its type."""
        if app.events is not None and event_type not in app.events:
            return None
        uuid = ids.event_id()
        payload = envelopes.schema_1(app, event_type, event, uuid=uuid, seconds=self._world.clock())
        return self.push(app, payload, event_id=uuid, event_type=event_type)

    def push(self, app: AppConfig, payload: bytes, *, event_id: str, event_type: str) -> Push:
        """Push a payload as it is, whether it makes sense or not; a callback is tried once, and nobody waits for its answer."""
        kind: PushKind = "callback" if is_callback(event_type) else "event"
        push = self._open(app, payload, kind=kind, event_id=event_id, event_type=event_type)
        queue = self._queues.get((app.app_id, event_type))
        if event_type in app.ordered_events:
            queue = self._queues.setdefault((app.app_id, event_type), deque())
            queue.append(push)
        if queue is None or queue[0] is push:
            self._attempt(push)
        if kind == "event" and self._world.faults.of(app.app_id).delivery.duplicate:
            self._twin(app, push)
        return push

    async def call_back(self, app: AppConfig, payload: bytes, *, event_id: str, event_type: str) -> AppAnswer:
        """Push a callback and wait for its answer; tried once, at most the deadline long."""
        push = self._open(app, payload, kind="callback", event_id=event_id, event_type=event_type)
        push.answer = asyncio.get_running_loop().create_future()
        self._attempt(push)
        return await push.answer

    def acknowledge(self, connection: Connection, ack: Frame) -> None:
        """An ack came in; its message id says for what. Other deviations from the frame are counted and do no harm.

        The platform evidently matches no more than that: the Node SDK returns `LogID` rounded.
        """
        message_id = ack.header("message_id")
        flight = connection.in_flight.get(message_id)
        if flight is None:
            _note_late(connection, message_id)
        else:
            flight.push.bad_acks += not any(frames.answers(ack, frame) for frame in flight.frames)
            connection.acks += 1
            del connection.in_flight[message_id]
            self._landed(flight, _answer_of(ack))

    def written(self, connection: Connection, flight: Flight) -> None:
        """The last piece is on the wire: the deadline runs from here."""
        flight.written_at = self._world.clock()
        loop = asyncio.get_running_loop()
        flight.deadline = loop.call_later(self._world.ack_deadline, self._missed, connection, flight)

    def lost(self, connection: Connection) -> None:
        """A connection is gone, and with it everything that waited for an ack on it."""
        flights = list(connection.in_flight.values())
        connection.in_flight.clear()
        for flight in flights:
            self._landed(flight, AppAnswer("closed"))

    def set_speed(self, speed: float) -> None:
        """Change how fast failed events are pushed again, those that wait already included."""
        factor = self._world.speed / speed
        self._world.speed = speed
        now = self._world.clock()
        for push in self._world.books.waiting():
            remaining = max(0.0, (push.next_at or now) - now) * factor
            self._schedule(push, remaining)

    async def wait_for_room(self, app_id: str) -> None:
        """Wait until the outboxes of an app are not crowded; for those who push a great many."""
        while any(c.outbox.qsize() > _CROWDED for c in self._world.connections.of(app_id)):  # noqa: ASYNC110 -- see below
            # Sockets come and go while we wait, so there is nothing to be woken by.
            await asyncio.sleep(_BREATHER_SECONDS)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on in the background, until it is done or the courier stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give everything up: acks that are awaited, retries, webhook calls."""
        for connection in self._world.connections.of(None):
            for flight in connection.in_flight.values():
                _give_up(flight)
            connection.in_flight.clear()
        for push in self._world.books.waiting():
            self._unschedule(push)
        self._queues.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _open(
        self, app: AppConfig, payload: bytes, *, kind: PushKind, event_id: str, event_type: str
    ) -> Push:
        return self._world.books.open(
            app_id=app.app_id,
            kind=kind,
            event_id=event_id,
            event_type=event_type,
            payload=payload,
            now=self._world.clock(),
        )

    def _twin(self, app: AppConfig, push: Push) -> None:
        """The platform may push twice even after success."""
        fresh = self._world.faults.of(app.app_id).delivery.new_event_id
        payload = envelopes.with_new_event_id(push.payload) if fresh else push.payload
        twin = self._open(app, payload, kind=push.kind, event_id=push.event_id, event_type=push.event_type)
        self._attempt(twin)

    def _attempt(self, push: Push) -> None:
        self._unschedule(push)
        app = self._world.apps.get(push.app_id)
        if app is None:
            push.state = "failed"
            return
        push.state = "in_flight"
        if _mode_of(app, push) == "webhook":
            self.start(self._post(app, push))
        else:
            self._hand_over(push)

    def _hand_over(self, push: Push) -> None:
        connection = self._world.connections.choose(push.app_id)
        attempt = Attempt(at=self._world.clock(), connection=connection.device_id if connection else "")
        push.attempts.append(attempt)
        if connection is None:
            self._ended(push, attempt, AppAnswer("no_connection"))
            return
        fault = self._world.faults.of(push.app_id).delivery
        kind = "card" if fault.card_frames and push.kind == "callback" else "event"
        message_id, pieces = frames.data_frames(
            connection, push.payload, kind=kind, now_ms=self._world.now_ms, fault=fault
        )
        flight = Flight(push, message_id, pieces, len(push.attempts) - 1)
        connection.in_flight[message_id] = flight
        try:
            _enqueue(connection, flight, shuffle=fault.shuffle_chunks, lose=fault.lose_chunk)
        except asyncio.QueueFull:
            del connection.in_flight[message_id]
            self._ended(push, attempt, AppAnswer("congested"))

    async def _post(self, app: AppConfig, push: Push) -> None:
        callback = push.kind == "callback"
        url = (app.callback_url or app.webhook_url) if callback else app.webhook_url
        async with self._webhook.slots:
            started = self._world.clock()
            attempt = Attempt(at=started, connection=url)
            push.attempts.append(attempt)
            answer = AppAnswer("no_connection")
            if url:
                deadline = self._world.ack_deadline
                broken = self._world.faults.of(app.app_id).delivery.break_off and len(push.attempts) == 1
                answer = await self._webhook.post(
                    app, url, push.payload, callback=callback, seconds=deadline, breaks_off=broken
                )
        attempt.latency_ms = round((self._world.clock() - started) * 1000, 3)
        self._ended(push, attempt, answer)

    def _landed(self, flight: Flight, answer: AppAnswer) -> None:
        if flight.deadline is not None:
            flight.deadline.cancel()
        attempt = flight.push.attempts[flight.attempt]
        if flight.written_at:
            attempt.latency_ms = round((self._world.clock() - flight.written_at) * 1000, 3)
        self._ended(flight.push, attempt, answer)

    def _missed(self, connection: Connection, flight: Flight) -> None:
        del connection.in_flight[flight.message_id]
        connection.overdue.append((flight.message_id, flight.push))
        self._landed(flight, AppAnswer("timeout"))

    def _ended(self, push: Push, attempt: Attempt, answer: AppAnswer) -> None:
        attempt.outcome = answer.outcome
        attempt.code = answer.code
        if answer.outcome == "acked":
            push.state = "acked"
            push.acked_code = answer.code
            push.acked_at = self._world.clock()
        elif push.kind == "callback" or len(push.attempts) > len(RETRY_SECONDS):
            push.state = "failed"
        else:
            push.state = "waiting"
            self._schedule(push, RETRY_SECONDS[len(push.attempts) - 1] / self._world.speed)
        if push.answer is not None and not push.answer.done():
            push.answer.set_result(answer)
        self._log(push, attempt, answer)
        if push.state in {"acked", "failed"}:
            self._next_in_queue(push)

    def _next_in_queue(self, push: Push) -> None:
        queue = self._queues.get((push.app_id, push.event_type))
        if queue is None or not queue or queue[0] is not push:
            return
        queue.popleft()
        if queue:
            # Not at once: a queue of thousands that all fail would recurse.
            asyncio.get_running_loop().call_soon(self._attempt, queue[0])
        else:
            del self._queues[push.app_id, push.event_type]

    def _schedule(self, push: Push, seconds: float) -> None:
        self._unschedule(push)
        push.next_at = self._world.clock() + seconds
        push.timer = asyncio.get_running_loop().call_later(seconds, self._retry, push)

    def _retry(self, push: Push) -> None:
        fault = self._world.faults.of(push.app_id).delivery
        if fault.new_event_id:
            push.payload = envelopes.with_new_event_id(push.payload)
        self._attempt(push)

    def _unschedule(self, push: Push) -> None:
        if push.timer is not None:
            push.timer.cancel()
        push.timer = None
        push.next_at = None

    def _log(self, push: Push, attempt: Attempt, answer: AppAnswer) -> None:
        call = self._world.calls.add(
            kind="push",
            at=int(attempt.at * 1000),
            method="WS" if not attempt.connection.startswith("http") else "POST",
            path=push.event_type,
            status=0,
            code=answer.code,
            ms=attempt.latency_ms or 0.0,
            log_id=push.event_id,
            app_id=push.app_id,
            request=_shown(push.payload),
            response={"outcome": answer.outcome, "attempt": len(push.attempts), "data": _shown(answer.data)},
        )
        self._world.watchers.tell("call", call=call)


def _mode_of(app: AppConfig, push: Push) -> Mode:
    return (push.kind == "callback" and app.callback_mode) or app.mode


def _enqueue(connection: Connection, flight: Flight, *, shuffle: bool, lose: bool) -> None:
    pieces = list(flight.frames)
    if shuffle:
        random.shuffle(pieces)
    if lose and len(pieces) > 1:
        pieces.pop()
    for piece in pieces[:-1]:
        connection.outbox.put_nowait(Written(encode(piece)))
    connection.outbox.put_nowait(Written(encode(pieces[-1]), flight))


def _give_up(flight: Flight) -> None:
    if flight.deadline is not None:
        flight.deadline.cancel()
    if flight.push.answer is not None and not flight.push.answer.done():
        flight.push.answer.set_result(AppAnswer("closed"))


def _note_late(connection: Connection, message_id: str) -> None:
    for known, push in connection.overdue:
        if known == message_id:
            push.late_acks += 1
            return
    connection.strange_frames += 1


def _answer_of(ack: Frame) -> AppAnswer:
    """`{"code": 200}`, with or without `headers` and base64 `data`; anything else counts as a refusal."""
    try:
        body = parse_json(ack.payload)
        code = int(body["code"])
        data = body.get("data")
    except (ValueError, KeyError, TypeError):
        return AppAnswer("refused")
    outcome: Outcome = "acked" if code == 200 else "refused"
    return AppAnswer(outcome, code, _unwrapped(data) if isinstance(data, str) else None)


def _unwrapped(data: str) -> bytes:
    """What is in the base64; when it is none, the text itself, which is no JSON object either."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return data.encode()


def _shown(payload: bytes | None) -> Any:
    if payload is None or len(payload) > _LONGEST_LOGGED_PAYLOAD:
        return None if payload is None else f"{len(payload)} bytes"
    try:
        return masked(msgspec.json.decode(payload))
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")
