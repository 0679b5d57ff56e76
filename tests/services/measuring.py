"""The measurement of coverage, where a test cannot bear it."""

from collections.abc import Iterator
from contextlib import contextmanager

from coverage import Coverage


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is measured within.

    Python 3.11 does not return from a call that is traced while an exception waits for a thread that is blocked
    outside Python, as that of a hung handler is (``events/handling/calling.py``).
    """
    measurement = Coverage.current()
    if measurement is None:
        yield
        return
    measurement.stop()
    try:
        yield
    finally:
        measurement.start()
