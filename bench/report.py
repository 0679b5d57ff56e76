"""Lines of a bench's report, written at once: a run takes minutes."""

import os
import sys
import time
from collections.abc import Sequence


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def progress(line: str) -> None:
    """A line about what is going on, to tell from the results."""
    say(f"[{time.strftime('%H:%M:%S')}] {line}")


def load() -> str:
    """How busy the machine is; numbers of a busy one say little."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values; 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
