"""The port on which a process tells its metrics and its health: threads of their own, so that it answers while the process
works, and in processes without an event loop.

A port that cannot be opened stops nobody's work: one line says so, and it is tried again.
"""

import logging
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

import msgspec
from django.conf import settings
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from core.metrics.facts import FIGURES
from core.metrics.registry import exposition
from feishu_portal.runtime import health
from feishu_portal.runtime.metrics import database_pool  # noqa: F401 -- told on the port
from feishu_portal.runtime.metrics.build import tell_build

logger = logging.getLogger(__name__)

METRICS: Final = "/metrics"
REQUESTS: Final = 8
"""Answered at a time; those beyond are hung up on."""
REQUEST_SECONDS: Final = 5
"""What a caller may take for the next bytes of its request, and to take some of the answer."""
EXCHANGE_SECONDS: Final = 15.0
"""The longest from the connection to the end of the answer."""
RETRY_SECONDS: Final = 10.0
"""Between attempts to open a port that another program has, e.g. the process before this one."""


class MetricsServer:
    """Serves from ``start`` until ``stop``. Port 0 is any that is free; see ``port``."""

    def __init__(self, host: str, port: int, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._address = (host, port)
        self._retry_seconds = retry_seconds
        self._stopping = threading.Event()
        self._places = threading.BoundedSemaphore(REQUESTS)
        self._listener: socket.socket | None = None

    @property
    def port(self) -> int | None:
        """The port that is open; None while it is not."""
        return None if self._listener is None else self._listener.getsockname()[1]

    def start(self) -> None:
        """Returns when the port is open, or the first attempt to open it has failed."""
        self._open()
        threading.Thread(target=self._serve, name="metrics", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()

    def close_inherited(self) -> None:
        """In a forked child: the port is the parent's, and must not stay open when the parent is gone."""
        if self._listener is not None:
            self._listener.close()

    def _open(self, *, is_first: bool = True) -> None:
        host, port = self._address
        is_v6 = ":" in host
        try:
            self._listener = socket.create_server(
                self._address,
                family=socket.AF_INET6 if is_v6 else socket.AF_INET,
                dualstack_ipv6=is_v6 and socket.has_dualstack_ipv6(),
            )
        except OSError as error:
            if is_first:
                logger.error(  # noqa: TRY400 -- a traceback adds nothing
                    "metrics_port_not_open",
                    extra={
                        "host": host,
                        "port": port,
                        "problem": error.strerror or str(error),
                        "cure": "Give each process a port of its own: --metrics-port or FEISHU_METRICS_PORT. It works on "
                        "without metrics, and tries again.",
                    },
                )
        else:
            logger.info("metrics_served", extra={"host": host, "port": self.port})

    def _serve(self) -> None:
        while self._listener is None:
            if self._stopping.wait(self._retry_seconds):
                return
            self._open(is_first=False)
        while not self._stopping.is_set():
            try:
                connection, address = self._listener.accept()
            except OSError:
                # Closed; or there is no descriptor left, which passes.
                if self._stopping.wait(0.5):
                    return
                continue
            if self._places.acquire(blocking=False):
                threading.Thread(
                    target=self._answer, args=(connection, address), name="metrics-request", daemon=True
                ).start()
            else:
                connection.close()

    def _answer(self, connection: socket.socket, address: Any) -> None:
        hanging_up = threading.Timer(EXCHANGE_SECONDS, _hang_up, (connection,))
        hanging_up.daemon = True
        hanging_up.start()
        try:
            with suppress(OSError), connection:  # whoever hangs up is no trouble of ours
                _Request(connection, address, self)  # type: ignore[arg-type]  # the stubs want a server of socketserver
        except Exception:
            logger.exception("metrics_failed")
        finally:
            hanging_up.cancel()
            self._places.release()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Request(BaseHTTPRequestHandler):
    timeout = REQUEST_SECONDS
    server_version = "feishu-portal"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == METRICS:
            FIGURES.refresh()
            self._send(200, CONTENT_TYPE_PLAIN_0_0_4, exposition())
        elif path in {health.LIVE, health.READY}:
            status, said = health.liveness() if path == health.LIVE else health.readiness_in_time()
            self._send(status, "application/json", msgspec.json.encode(said))
        else:
            self._send(
                404, "text/plain; charset=utf-8", f"See {METRICS}, {health.LIVE}, {health.READY}.\n".encode()
            )

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Scrapes are nothing to log."""


_lock = threading.Lock()
_server: MetricsServer | None = None


def serve_metrics(process: str, *, port: int | None = None) -> None:
    """Open the port of this process: ``port``, else FEISHU_METRICS_PORT; 0 for none. ``process``: its kind."""
    global _server  # noqa: PLW0603 -- one for the process
    tell_build(process)
    with _lock:
        if chosen := settings.METRICS_PORT if port is None else port:
            _server = MetricsServer(settings.METRICS_HOST, chosen)
            _server.start()


def stop_serving_metrics() -> None:
    global _server  # noqa: PLW0603 -- see above
    with _lock:
        if _server is not None:
            _server.stop()
        _server = None


def leave_port_to_parent() -> None:
    """In a forked child."""
    if _server is not None:
        _server.close_inherited()
