"""Receivers of connection signals may do what they like; the connection does not notice."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from bots.connections import signals
from bots.connections.signal_thread import SignalThread
from bots.models import Bot

INFO = signals.ConnectionInfo(UUID(int=1), "cli_1", 1, "a")
PATIENCE = 60.0


@pytest.fixture
def listen() -> Iterator[Callable[..., None]]:
    """Connects a receiver for the test."""
    connected: list[tuple[signals.ConnectionSignal, Any]] = []

    def connect(signal: signals.ConnectionSignal, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver, sender=Bot, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver, sender=Bot)


@pytest.fixture
def thread() -> Iterator[SignalThread]:
    made = SignalThread(max_queued=4)
    yield made
    made.close(seconds=PATIENCE)


def test_receivers_get_the_facts_in_order_on_another_thread(thread, listen):
    received: list[tuple[str, str, str]] = []

    def note(what: str) -> Callable[..., None]:
        return lambda connection, **facts: received.append(
            (what, connection.app_id, str(facts.get("reason", "")))
        )

    threads: list[str] = []
    listen(signals.connected, note("connected"))
    listen(signals.disconnected, note("disconnected"))
    listen(signals.connected, lambda **_facts: threads.append(threading.current_thread().name))
    thread.send(signals.connected, INFO, device_id="d")
    thread.send(signals.disconnected, INFO, reason="silent")
    thread.close(seconds=PATIENCE)
    assert received == [("connected", "cli_1", ""), ("disconnected", "cli_1", "silent")]
    assert threads == ["connection-signals"]


def test_nothing_is_done_when_nobody_listens(thread):
    thread.send(signals.frame, INFO, message_id="m")
    assert thread._thread is None
    assert thread._queue.empty()


def test_receiver_that_fails_is_logged_once_and_hurts_no_other(thread, listen, caplog):
    received: list[int] = []

    def broken(**_facts: Any) -> None:
        raise ValueError("of the receiver")

    listen(signals.heartbeat, broken)
    listen(signals.heartbeat, lambda count, **_facts: received.append(count))
    for count in (1, 2):
        thread.send(signals.heartbeat, INFO, count=count)
    thread.close(seconds=PATIENCE)
    assert received == [1, 2]
    assert [record.getMessage() for record in caplog.records] == ["signal_receiver_failed"]


def test_receiver_that_hangs_fills_the_queue_and_what_finds_no_room_is_counted(thread, listen, caplog):
    running, go_on = threading.Event(), threading.Event()
    received: list[str] = []

    def slow(**facts: Any) -> None:
        running.set()
        go_on.wait(PATIENCE)
        received.append(facts["what"])

    listen(signals.frame, slow)
    listen(signals.disconnected, slow)
    thread.send(signals.frame, INFO, what="first")
    assert running.wait(PATIENCE)
    for number in range(3):
        thread.send(signals.frame, INFO, what=f"frame {number}")
    for number in range(3):
        thread.send(signals.disconnected, INFO, what=f"loss {number}")
    assert thread.dropped == 2
    assert caplog.text.count("connection_signals_dropped") == 1
    go_on.set()
    thread.close(seconds=PATIENCE)
    assert received == ["first", "frame 0", "frame 1", "loss 0", "loss 1"]


def test_end_of_the_process_does_not_wait_for_a_receiver_that_hangs(listen):
    go_on = threading.Event()
    listen(signals.connected, lambda **_facts: go_on.wait(PATIENCE))
    thread = SignalThread()
    thread.send(signals.connected, INFO)
    thread.close(seconds=0.05)
    assert thread._thread.is_alive()
    go_on.set()
    thread._thread.join(PATIENCE)
