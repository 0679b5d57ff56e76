"""What ``make fuzz`` calls a fault."""

from types import SimpleNamespace

import pytest

from bots.sending.pacing import LONGEST_WAIT
from tests.fuzz.judge import HANGS, LOAD, PULSE, Judge, tracebacks
from tests.fuzz.shots import Answer, Shot

SHOT = Shot("pages", target="/admin/")
PROBLEM = "application/problem+json"
REFUSAL = """
2026-11-29T10:00:48Z [error    ] Filtering by state not allowed [django.security] request="x" status_code=400
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'state'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 1, in g
Disallowed: Filtering by state not allowed
"""
FAULT = """
2026-11-29T10:00:48Z [error    ] live_socket_failed [core.console.live.sockets]
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'state'
"""


def judge_of(*answers: Answer, pulse: float = 0.001, output: str = "", code: int | None = None) -> Judge:
    """Of a portal that answers so, the last answer for ever."""
    left = list(answers)
    process = SimpleNamespace(exit_code=None, output_from=lambda position: ("", position))

    def send(shot: Shot) -> Answer:
        if shot is PULSE:
            return Answer(200, pulse)
        process.exit_code, process.output_from = code, lambda position: (output[position:], len(output))
        return left.pop(0) if len(left) > 1 else left[0]

    return Judge(send, [process])


@pytest.mark.parametrize(
    "answer",
    [Answer(200, 0.1), Answer(404, 0.1), Answer(429, 0.1), Answer(503, 0.1, "", PROBLEM), Answer(-1, 0.0)],
    ids=str,
)
def test_answers_that_are_no_fault(answer):
    judge = judge_of(answer)
    judge.fire(SHOT)
    assert judge.findings == []


@pytest.mark.parametrize(
    "answer",
    [Answer(500, 0.1, "", PROBLEM), Answer(501, 0.1), Answer(503, 0.1, "", "text/html"), Answer(0, 30.0)],
    ids=str,
)
def test_answers_that_are_faults_are_found_once(answer):
    judge = judge_of(answer)
    judge.seed = 7
    judge.fire(SHOT)
    judge.fire(SHOT)
    found = {finding.what.partition(":")[0] for finding in judge.findings}
    assert found <= {str(answer.status), "no answer", f"takes {answer.seconds:.2f} s, 4 times in a row"}
    assert len(judge.findings) == len(found) > 0
    assert "--seed 7 --source pages" in str(judge.findings[0])


@pytest.mark.parametrize(("status", "is_fault"), [(501, False), (505, False), (500, True)])
def test_server_of_metrics_may_know_neither_method_nor_version(status, is_fault):
    judge = judge_of(Answer(status, 0.1, "", "text/html"))
    judge.fire(Shot("metrics", "raw", target="http://127.0.0.1:1"))
    assert bool(judge.findings) is is_fault


def test_answer_that_is_slow_again_and_again_hangs():
    judge = judge_of(Answer(200, HANGS + 1))
    judge.fire(SHOT)
    assert ["takes" in finding.what for finding in judge.findings] == [True]


@pytest.mark.parametrize(
    ("target", "hangs"), [("/api/v1/bots/cli_1/messages/om_x", False), ("/admin/", True)]
)
def test_message_may_wait_for_its_turn_where_its_chat_has_had_enough(target, hangs):
    told = Shot("answers", target=target, upstream='HTTP/1.1 200 OK\r\n\r\n{"code":230020}')
    judge = judge_of(Answer(429, LONGEST_WAIT.total_seconds() + 0.1, "", PROBLEM))
    judge.fire(told)
    assert bool(judge.findings) is hangs


@pytest.mark.parametrize(
    ("answers", "pulse"),
    [
        ((Answer(200, HANGS + 1), Answer(200, 0.1)), 0.001),
        ((Answer(200, HANGS + 1),), 2 / LOAD),
    ],
    ids=["slow once", "everything is slow"],
)
def test_slow_answer_of_a_slow_machine_is_no_fault(answers, pulse):
    judge = judge_of(*answers, pulse=pulse)
    judge.fire(SHOT)
    assert (judge.findings, judge.slow) == ([], 1)


def test_process_that_ends_and_traceback_of_an_error_are_found():
    assert "ended with 3" in _only_finding(judge_of(Answer(200, 0.1), code=3))
    assert "live_socket_failed" in _only_finding(judge_of(Answer(200, 0.1), output=FAULT))


def _only_finding(judge: Judge) -> str:
    judge.fire(SHOT)
    [finding] = judge.findings
    return finding.what


def test_traceback_of_a_refusal_is_no_fault():
    assert [*tracebacks(REFUSAL)] == []
    assert len([*tracebacks(REFUSAL + FAULT)]) == 1
    assert [*tracebacks("nothing")] == []
