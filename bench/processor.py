"""Processor time of processes that are not ours, as /proc has it: in seconds, with that of their children that ended."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    session: int
    ticks: int


def seconds_of_session(leader: int) -> float:
    """Of a process that was started in a session of its own, and all that stayed in it."""
    return sum(process.ticks for process in _processes() if process.session == leader) / TICKS


def seconds_of_family(parent: int) -> float:
    """Of a process and its children."""
    return sum(process.ticks for process in _processes() if parent in {process.pid, process.parent}) / TICKS


def _processes() -> Iterator[_Process]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (process := _read(path)) is not None:
            yield process


def _read(path: Path) -> _Process | None:
    try:
        values = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return None
    return _Process(
        int(path.name), int(values[1]), int(values[3]), sum(int(value) for value in values[11:15])
    )
