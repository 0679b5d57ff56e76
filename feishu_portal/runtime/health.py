"""Health of the web process, for load balancers and people.

Probes ask by the address of a pod or a node, so they are answered before the host is looked at. The answers tell the version,
as the API's description does, and nothing of what the portal holds.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

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
PATIENCE: Final = 0.8
"""Seconds that ``ready`` waits for the database: a probe gives up after 1."""

_is_migrated = False  # asked until it is so
# Of its own: the threads that event loops share may all be waiting for a name that nobody resolves.
_thread = ThreadPoolExecutor(1, thread_name_prefix="health")
_asking: dict[asyncio.AbstractEventLoop, asyncio.Task[str]] = {}


@sync_and_async_middleware
def answer_probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """The first middleware: answers the two paths and hands everything else on."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            if request.path_info == LIVE:
                return _live()
            if request.path_info == READY:
                return _ready(await _database_in_time())
            return await get_response(request)

        return respond_async

    def respond(request: HttpRequest) -> Any:
        if request.path_info == LIVE:
            return _live()
        if request.path_info == READY:
            return _ready(_database())
        return get_response(request)

    return respond


def _live() -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok", "version": __version__})


def _ready(database: str) -> JsonResponse:
    """The process can do its work: the database answers and has its tables."""
    if database == "ok":
        mode = "passive" if watch.last.is_passive else "active"
        return JsonResponse({"status": "ok", "database": "ok", "mode": mode, "version": __version__})
    return JsonResponse({"status": "unavailable", "database": database, "version": __version__}, status=503)


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
