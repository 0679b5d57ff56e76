"""What of an answer is a fault: a 500, no answer, one that takes more than a second, a process that ended, a traceback."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bots.sending.pacing import LONGEST_WAIT
from feishu.codes import PER_CHAT
from tests.fuzz.shots import Answer, Shot
from tests.services.processes import ManagedProcess

HANGS = 1.0
"""Seconds that an answer may take where nothing else runs."""
LOAD = 30
"""Times a look at the portal's pulse that an answer may take on top: a loaded machine slows both down alike."""
REPEATED = 3
"""Slow answers in a row that make a hang."""
TRACEBACK = "Traceback (most recent call last)"
CHAINED = ("another exception occurred:", "cause of the following exception:")
REFUSED = re.compile(r"\[(?:debug|info|warning) *\]|status_code=4\d\d")
"""Lines whose traceback says what was refused; Django calls some of them errors."""
UNAVAILABLE = {502, 503, 504}
"""Documented answers of the API, as problems: the platform, or the portal, cannot do it now."""
PULSE = Shot("pulse", target="/healthz/ready")


@dataclass(frozen=True)
class Finding:
    """What went wrong, and the shot after which it was seen: one of the slice of this seed."""

    what: str
    shot: Shot
    seed: int

    def __str__(self) -> str:
        again = f'make fuzz ARGS="--seed {self.seed} --source {self.shot.source} --rounds 1"'
        return f"{self.what}\n  {self.shot}\n  again: {again}"


class Judge:
    """Sends shots and remembers findings, each kind of a source once."""

    def __init__(self, send: Callable[[Shot], Answer], processes: Iterable[ManagedProcess] = ()) -> None:
        self._send = send
        self._read = [(process, process.output_from(0)[1]) for process in processes]
        self._seen: set[tuple[str, str]] = set()
        self.findings: list[Finding] = []
        self.seed = 0
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self.slow = 0

    @property
    def shots(self) -> int:
        return sum(counted.total() for counted in self.statuses.values())

    def fire(self, shot: Shot) -> Answer:
        answer = self._send(shot)
        self.statuses[shot.source][answer.status] += 1
        for what in (*self._faults(shot, answer), *self._of_processes()):
            self._note(what, shot)
        return answer

    def _faults(self, shot: Shot, answer: Answer) -> Iterator[str]:
        if answer.status == 0:
            yield f"no answer: {answer.said}"
        elif answer.status >= 500 and not (
            _is_unavailable(answer) or _is_relayed(shot, answer) or _is_of_the_library(shot, answer)
        ):
            yield f"{answer.status}: {answer.said}"
        if answer.seconds > _patience(shot) and (took := self._hang(shot, answer)):
            yield took

    def _hang(self, shot: Shot, answer: Answer) -> str:
        """Whether it takes as long again and again, beyond what the machine is slow by."""
        self.slow += 1
        took = answer.seconds
        for _ in range(REPEATED):
            before = self._pulse()
            took = self._send(shot).seconds
            allowed = _patience(shot) + LOAD * max(before, self._pulse())
            if took <= allowed:
                return ""
        return f"takes {took:.2f} s, {REPEATED + 1} times in a row"

    def _pulse(self) -> float:
        return self._send(PULSE).seconds

    def _of_processes(self) -> Iterator[str]:
        for place, (process, read) in enumerate(self._read):
            printed, position = process.output_from(read)
            self._read[place] = process, position
            yield from (f"{process} printed:\n{text}" for text in tracebacks(printed))
            if process.exit_code is not None:
                yield f"{process} ended with {process.exit_code}:\n{printed[-3000:]}"

    def _note(self, what: str, shot: Shot) -> None:
        kind = re.sub(r"\d+", "N", what)[-300:]
        if (shot.source, kind) not in self._seen:
            self._seen.add((shot.source, kind))
            self.findings.append(Finding(what, shot, self.seed))
            print(f"\nFOUND {self.findings[-1]}\n", flush=True)


def _patience(shot: Shot) -> float:
    """Seconds that an answer may take. A message waits for its turn where the platform says that its chat has had enough."""
    had_enough = any(f'"code":{code}' in shot.upstream for code in PER_CHAT)
    return HANGS + LONGEST_WAIT.total_seconds() if had_enough and "/messages" in shot.target else HANGS


def _is_relayed(shot: Shot, answer: Answer) -> bool:
    """Whether a proxied call was answered so by the platform: the sandbox for what it does not imitate, or the upstream."""
    is_unimitated = answer.status == 501 and '"code":-501' in answer.said
    is_as_told = f" {answer.status}" in shot.upstream[:13] and not answer.content_type.startswith(
        "application/problem"
    )
    return shot.target.startswith("/proxy/") and (is_unimitated or is_as_told)


def _is_of_the_library(shot: Shot, answer: Answer) -> bool:
    """Whether Python's server, which tells metrics, says that it does not know the method or the version of HTTP."""
    return shot.kind == "raw" and answer.status in {501, 505}


def _is_unavailable(answer: Answer) -> bool:
    """Whether it is a problem that says so; a portal that is passive would refuse all that is to be tried."""
    is_problem = answer.content_type.startswith("application/problem+json")
    return answer.status in UNAVAILABLE and is_problem and '"passive"' not in answer.said


def tracebacks(output: str) -> Iterator[str]:
    """Those of errors, each with the line of the log before it; one that is the cause of another belongs to that line too."""
    before, *parts = output.split(TRACEBACK)
    is_fault = True
    for part in parts:
        line = before.rstrip().rpartition("\n")[2]
        if not line.endswith(CHAINED):
            is_fault = not REFUSED.search(line)
        if is_fault:
            yield f"{line}\n{TRACEBACK}{part[:4000]}"
        before = part
