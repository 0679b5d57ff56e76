"""Processor time and memory of other processes, as /proc has it. Time is in seconds and includes children that ended."""

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


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def proportional_bytes(pid: int) -> int:
    """The same, with what it shares with others divided among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def wakeups(leader: int) -> int:
    """How often the threads of a session have waited for something, and gone on."""
    return sum(_waits(pid) for pid in pids_of_session(leader))


def pids_of_session(leader: int) -> list[int]:
    """Of the processes that were started in the session of ``leader`` and stayed in it."""
    return [process.pid for process in _processes() if process.session == leader]


def _waits(pid: int) -> int:
    statuses = (path.read_text().splitlines() for path in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(line.split()[1]) for lines in statuses for line in lines if line.startswith("voluntary"))


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
