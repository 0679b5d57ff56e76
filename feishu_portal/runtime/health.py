"""Health of a process, for load balancers, orchestrators and people: on the pages' port of a web process, and on the port of
its own that every process has.

Probes ask by the address of a pod or a node, so they are answered before the host is looked at. The answers tell the version,
as the API's description does, and nothing of what the portal holds.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeAlias

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from core import __version__
from core.database.connections import give_back
from core.installation.watch import watch

LIVE: Final = "/healthz/live"
READY: Final = "/healthz/ready"
Health: TypeAlias = tuple[int, dict[str, str]]
"""A status of HTTP and the JSON beside it."""

PATIENCE: Final = 0.8
"""Seconds that ``ready`` waits for the database: a probe gives up after 1."""

_is_migrated = False  # asked until it is so
# Of its own: the threads that event loops share may all be waiting for a name that nobody resolves.
_thread = ThreadPoolExecutor(1, thread_name_prefix="health")
_asked: Future[str] | None = None
_asked_lock = threading.Lock()
_asking: dict[asyncio.AbstractEventLoop, asyncio.Task[str]] = {}


@sync_and_async_middleware
def answer_probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """The first middleware: answers the two paths and hands everything else on."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            if request.path_info == LIVE:
                return _answer(liveness())
            if request.path_info == READY:
                return _answer(_readiness(await _database_in_time()))
            return await get_response(request)

        return respond_async

    def respond(request: HttpRequest) -> Any:
        if request.path_info == LIVE:
            return _answer(liveness())
        if request.path_info == READY:
            return _answer(_readiness(_database()))
        return get_response(request)

    return respond


def liveness() -> Health:
    """The process answers."""
    return 200, {"status": "ok", "version": __version__}


def readiness_in_time() -> Health:
    """Whether the process can do its work, within ``PATIENCE``; from any thread, and probes that come meanwhile wait for the
    same answer."""
    global _asked  # noqa: PLW0603 -- one question at a time
    with _asked_lock:
        if _asked is None or _asked.done():
            _asked = _thread.submit(_database)
        asked = _asked
    try:
        return _readiness(asked.result(timeout=PATIENCE))
    except TimeoutError:
        return _readiness("unreachable")


def _readiness(database: str) -> Health:
    """The database answers and has its tables."""
    if database == "ok":
        mode = "passive" if watch.last.is_passive else "active"
        return 200, {"status": "ok", "database": "ok", "mode": mode, "version": __version__}
    return 503, {"status": "unavailable", "database": database, "version": __version__}


def _answer(health: Health) -> JsonResponse:
    status, said = health
    return JsonResponse(said, status=status)


async def _database_in_time() -> str:
    """One question at a time in each loop: probes that come meanwhile wait for the same answer."""
    loop = asyncio.get_running_loop()
    task = _asking.get(loop)
    if task is None:
        task = _asking[loop] = asyncio.create_task(
            sync_to_async(_database, thread_sensitive=False, executor=_thread)()
        )
        task.add_done_callback(lambda _task: _asking.pop(loop, None))
    try:
        return await asyncio.wait_for(asyncio.shield(task), PATIENCE)
    except TimeoutError:
        return "unreachable"


def _database() -> str:
    global _is_migrated  # noqa: PLW0603 -- once true, it stays so
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _is_migrated:
            executor = MigrationExecutor(connection)
            _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        if _is_migrated:
            watch.current()
    except Error:
        return "unreachable"
    finally:
        give_back(before_waiting=True)
    return "ok" if _is_migrated else "not migrated"
