"""The measurement of coverage, where a test cannot bear it, or would find nothing new."""

from collections.abc import Iterator
from contextlib import contextmanager

from coverage import Coverage

_measured: set[str] = set()
"""The test functions of which this process has measured a run."""


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is measured within.

    Python 3.11 does not return from a call that is traced while an exception waits for a thread that is blocked
    outside Python, as that of a hung handler is (``events/handling/calling.py``).
    """
    measurement = Coverage.current()
    if measurement is None or not measurement._started:
        yield
        return
    measurement.stop()
    try:
        yield
    finally:
        measurement.start()


@contextmanager
def once(function: str) -> Iterator[None]:
    """Only the first run of a test function is measured: with other parameters it reaches hardly anything else, and what is
    measured takes twice the time. ``function``: its node id, without parameters.
    """
    if function not in _measured:
        _measured.add(function)
        yield
        return
    with paused():
        yield
