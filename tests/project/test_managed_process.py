import pytest

from tests.services.ports import free_port
from tests.services.processes import ProcessStarter

pytestmark = pytest.mark.processes
TRACEBACK = "raise ValueError('planted')"


def test_a_process_sees_nothing_of_the_shell_that_started_the_tests(
    managed_process: ProcessStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "from the shell")

    process = managed_process("-c", "import os; print(sorted(os.environ))", environment={"GIVEN": "1"})

    assert process.wait_for_exit() == 0
    assert "GIVEN" in process.output
    assert "LEAKED" not in process.output


def test_waiting_for_output_returns_the_match(managed_process: ProcessStarter) -> None:
    process = managed_process("-c", "print('listening on 4711'); import time; time.sleep(60)")

    assert process.wait_for(r"listening on (\d+)")[1] == "4711"
    assert process.exit_code is None


def test_waiting_ends_when_the_process_does(managed_process: ProcessStarter) -> None:
    process = managed_process("-c", "print('goodbye')")

    with pytest.raises(AssertionError, match="ended with 0") as failure:
        process.wait_for("hello")

    assert "goodbye" in str(failure.value)


def test_waiting_for_a_port_returns_once_it_is_open(managed_process: ProcessStarter) -> None:
    port = free_port()

    process = managed_process("-m", "http.server", str(port), "--bind", "127.0.0.1")

    process.wait_for_port(port)


def test_stopping_returns_the_exit_code(managed_process: ProcessStarter) -> None:
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up'); time.sleep(60)"
    process = managed_process("-c", code)
    process.wait_for("up")

    assert process.stop() == 7


def test_a_process_that_ignores_sigterm_is_killed_and_reported(managed_process: ProcessStarter) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"
    process = managed_process("-c", code)
    process.wait_for("up")

    with pytest.raises(AssertionError, match="still runs"):
        process.stop(seconds=0.2)

    assert process.exit_code == -9


def test_a_traceback_in_the_output_is_complained_of(tmp_path) -> None:
    starter = ProcessStarter(tmp_path)
    starter("-c", TRACEBACK).wait_for_exit()

    [complaint] = starter.close()

    assert "printed a traceback" in complaint
    assert "planted" in complaint


def test_a_traceback_is_shown_whatever_was_printed_after_it(tmp_path) -> None:
    starter = ProcessStarter(tmp_path)
    code = "import traceback\ntry: 1 / 0\nexcept ZeroDivisionError: traceback.print_exc()\nprint('on it goes ' * 2000)"
    starter("-c", code).wait_for_exit()

    [complaint] = starter.close()

    assert "ZeroDivisionError" in complaint


def test_an_expected_traceback_is_not_complained_of(tmp_path) -> None:
    starter = ProcessStarter(tmp_path)
    starter("-c", TRACEBACK, tracebacks=True).wait_for_exit()

    assert starter.close() == []


def test_a_printed_secret_is_complained_of_without_repeating_it(tmp_path) -> None:
    starter = ProcessStarter(tmp_path)
    starter.secrets.add("hunter2hunter2")
    starter("-c", "print('password', 'hunter2' * 2)").wait_for_exit()

    [complaint] = starter.close()

    assert "printed a secret" in complaint
    assert "hunter2hunter2" not in complaint
