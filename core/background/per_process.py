"""One worker for a process, started when it is first asked for: a process that never asks has none."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Worker(Protocol):
    """Runs beside the process's own work until it is stopped."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


W = TypeVar("W", bound=Worker)


class OnePerProcess(Generic[W]):
    """Safe to ask from any thread."""

    def __init__(self, make: Callable[[], W]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._worker: W | None = None

    def current(self) -> W:
        """The one of this process, started."""
        with self._lock:
            if self._worker is None:
                self._worker = self._make()
                self._worker.start()
            return self._worker

    def stop(self) -> None:
        """Stop the one of this process, if there is one."""
        with self._lock:
            stopped, self._worker = self._worker, None
        if stopped is not None:
            stopped.stop()
