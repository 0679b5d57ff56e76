"""How many rows of a table the database looks at for a page; on PostgreSQL, which tells."""

import json
from typing import Any

from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext


def rows_read(client: Client, address: str, model: type[Model]) -> tuple[int, HttpResponse]:
    """The number for ``client.get(address)``, with the page."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(address)
    read = 0
    for query in queries.captured_queries:
        if f'FROM "{table}"' in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                [found] = cursor.fetchone()
            plan = found if isinstance(found, list) else json.loads(found)
            read += _rows_of_plan(plan[0]["Plan"], table)
    return read, page


def _rows_of_plan(plan: dict[str, Any], table: str) -> int:
    own = 0
    if plan.get("Relation Name") == table:
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(_rows_of_plan(part, table) for part in plan.get("Plans", ()))
