import time

import httpcore2
import pytest

from feishu.deadlines import TimedBackend, within


class Stream(httpcore2.NetworkStream):
    """Notes the timeouts that it is given."""

    def __init__(self) -> None:
        self.given: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.given.append(timeout)
        return b"x" * max_bytes

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.given.append(timeout)

    def start_tls(self, ssl_context, server_hostname=None, timeout: float | None = None) -> "Stream":
        self.given.append(timeout)
        return self


class Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self.stream = Stream()

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None) -> Stream:
        self.stream.given.append(timeout)
        return self.stream


def all_steps(backend: Backend, timeout: float | None) -> list[float | None]:
    stream = TimedBackend(backend).connect_tcp("h", 1, timeout)
    stream = stream.start_tls(None, "h", timeout)  # type: ignore[arg-type]  # is not looked at
    stream.write(b"x", timeout)
    stream.read(1, timeout)
    return backend.stream.given


@pytest.mark.parametrize("timeout", [None, 7.0])
def test_without_an_end_each_step_has_its_own_timeout(timeout):
    assert all_steps(Backend(), timeout) == [timeout] * 4


@pytest.mark.parametrize(("timeout", "most"), [(None, 60.0), (7.0, 7.0), (900.0, 60.0)])
def test_no_step_has_more_than_is_left(timeout, most):
    with within(60):
        given = all_steps(Backend(), timeout)
    assert len(given) == 4
    assert all(step is not None and most - 5 < step <= most for step in given)


def test_nothing_is_begun_when_the_time_is_over(monkeypatch):
    backend = Backend()
    stream = TimedBackend(backend).connect_tcp("h", 1)
    with within(60):
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 61)
        for step, over in (
            (lambda: TimedBackend(backend).connect_tcp("h", 1), httpcore2.ConnectTimeout),
            (lambda: stream.start_tls(None), httpcore2.ConnectTimeout),  # type: ignore[arg-type]  # is not looked at
            (lambda: stream.write(b"x"), httpcore2.WriteTimeout),
            (lambda: stream.read(1), httpcore2.ReadTimeout),
        ):
            with pytest.raises(over):
                step()
    assert backend.stream.given == [None]
