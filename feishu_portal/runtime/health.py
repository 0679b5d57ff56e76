"""Health of a process, for load balancers, orchestrators and people: on the pages' port of a web process, and on the port of
its own that every process has.

Live means that the parts of the process make their passes (``core.background.vitals``); one that is not has to be restarted.
No trouble of the database or of Redis makes a process less live. Ready means that it can do its work now. Probes ask by the
address of a pod or a node, so they are answered before the host is looked at. The answers tell the version, as the API's
description does, and nothing of what the portal holds.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from bots.enums import ProcessKind
from core import __version__
from core.background.vitals import vitals
from core.database.connections import give_back
from core.installation.watch import watch
from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError

if TYPE_CHECKING:
    import redis

LIVE: Final = "/healthz/live"
READY: Final = "/healthz/ready"
Health: TypeAlias = tuple[int, dict[str, str]]
"""A status of HTTP and the JSON beside it."""

PATIENCE: Final = 0.8
"""Seconds that ``ready`` waits for all of its answers: a probe gives up after 1."""
REDIS_SECONDS: Final = 0.5
NEEDS_REDIS: Final = frozenset({ProcessKind.WORKER, ProcessKind.REFRESHER, ProcessKind.BEAT})
"""Task messages are what they live by. Events, pages and calls go on without Redis, and taking their processes out of service
would make an outage of it."""
UNREACHABLE: Final = "unreachable"

process: str = ""
"""The kind of this process; empty before it is known, as in commands."""


def tell_process(kind: str) -> None:
    """``kind``: one of ``ProcessKind``."""
    global process  # noqa: PLW0603 -- one for the process
    process = kind


class Question:
    """Something that may not be answered, asked on a thread of its own: one at a time, and who asks meanwhile waits for the
    same answer."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self.ask = ask
        # Of its own: the threads that event loops share may all be waiting for a name that nobody resolves.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"health-{name}")
        self._lock = threading.Lock()
        self._asked: Future[str] | None = None

    def asked(self) -> "Future[str]":
        """The answer that is on its way."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self.ask)
            return self._asked


@sync_and_async_middleware
def answer_probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """The first middleware: answers the two paths and hands everything else on."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            if request.path_info == LIVE:
                return _answer(liveness())
            if request.path_info == READY:
                return _answer(await _readiness_async())
            return await get_response(request)

        return respond_async

    def respond(request: HttpRequest) -> Any:
        if request.path_info == LIVE:
            return _answer(liveness())
        if request.path_info == READY:
            return _answer(_readiness({name: question.ask() for name, question in QUESTIONS.items()}))
        return get_response(request)

    return respond


def liveness() -> Health:
    """Whether every part of the process makes its passes; from any thread, and at once."""
    if parts := vitals.standing_still():
        return 503, {"status": "stalled", "standing_still": ", ".join(parts), **_who()}
    return 200, {"status": "ok", **_who()}


def readiness_in_time() -> Health:
    """Whether the process can do its work, within ``PATIENCE``; from any thread."""
    asked, until = (
        {name: question.asked() for name, question in QUESTIONS.items()},
        time.monotonic() + PATIENCE,
    )
    return _readiness({name: _result(answer, until - time.monotonic()) for name, answer in asked.items()})


async def _readiness_async() -> Health:
    asked = {name: asyncio.wrap_future(question.asked()) for name, question in QUESTIONS.items()}
    await asyncio.wait(asked.values(), timeout=PATIENCE)
    return _readiness(
        {name: answer.result() if answer.done() else UNREACHABLE for name, answer in asked.items()}
    )


def _result(answer: "Future[str]", seconds: float) -> str:
    try:
        return answer.result(timeout=max(0.0, seconds))
    except TimeoutError:
        return UNREACHABLE


def _readiness(answers: Mapping[str, str]) -> Health:
    """The database answers, has its tables and was written with these keys; and Redis, where the process needs it."""
    is_lame = answers["redis"] == UNREACHABLE and process in NEEDS_REDIS
    said = {**answers, **_who()}
    if answers["database"] == "ok" and not is_lame:
        mode = "passive" if watch.last.is_passive else "active"
        return 200, {"status": "ok", **said, "mode": mode}
    return 503, {"status": "unavailable", **said}


def _who() -> dict[str, str]:
    return {"version": __version__} | ({"process": process} if process else {})


def _answer(health: Health) -> JsonResponse:
    status, said = health
    return JsonResponse(said, status=status)


_is_migrated = False  # asked until it is so


def _database() -> str:
    global _is_migrated  # noqa: PLW0603 -- once true, it stays so
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _is_migrated:
            executor = MigrationExecutor(connection)
            _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not _is_migrated:
            return "not migrated"
        verify_keys()
        watch.current()
    except SealedValueError:
        return "keys do not fit"
    except Error:
        return UNREACHABLE
    finally:
        give_back(before_waiting=True)
    return "ok"


_redis: "redis.Redis | None" = None


def _ask_redis() -> str:
    global _redis  # noqa: PLW0603 -- one connection for the process
    if not settings.REDIS_URL:
        return "not used"
    import redis  # noqa: PLC0415 -- where there is one
    from redis.backoff import NoBackoff  # noqa: PLC0415 -- see above
    from redis.retry import Retry  # noqa: PLC0415 -- see above

    try:
        if _redis is None:
            seconds = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
            _redis = redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **seconds)
        _redis.ping()
    except (redis.RedisError, OSError):
        return UNREACHABLE
    return "ok"


QUESTIONS: Final = {"database": Question("database", _database), "redis": Question("redis", _ask_redis)}
