"""Tasks of procrastinate: ``procrastinate --app=bench.procrastinate_tasks.app worker``, with BENCH_DATABASE for libpq."""

import os
from functools import cache

from procrastinate import App, PsycopgConnector
from psycopg_pool import ConnectionPool

from bench.work import INSERT

DATABASE = os.environ["BENCH_DATABASE"]
CONNECTIONS = 10
"""More than jobs at once, so that none waits for a connection."""

app = App(connector=PsycopgConnector(conninfo=DATABASE, max_size=CONNECTIONS))


@cache
def pool() -> ConnectionPool:
    return ConnectionPool(DATABASE, min_size=1, max_size=CONNECTIONS, open=True)


@app.task(name="nothing")
def nothing(event_id: str, event_type: str, payload: str) -> None:
    """On a thread."""


@app.task(name="nothing_async")
async def nothing_async(event_id: str, event_type: str, payload: str) -> None:
    """On the worker's event loop."""


@app.task(name="one_row")
def one_row(event_id: str, event_type: str, payload: str) -> None:
    with pool().connection() as connection:
        connection.execute(INSERT, (event_id, event_type, payload))
