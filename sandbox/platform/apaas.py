"""`/open-apis/apaas/v1`: apps, and the tables, records and SQL of workspaces; for users' tokens alone.

Pages under "aPaaS"; shapes as in the official SDK. Rows are JSON text inside the JSON.
"""

import json
from typing import Any, Final

from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit
from sandbox.platform.postgrest import QueryError, order_by, quoted, select, where
from sandbox.strange_json import parse_json
from sandbox.world.workspaces import DEMO_NAMESPACE, Workspace, WorkspaceError, new_record_id

APPS: Final = ("app_engine:apps:read",)
TABLES: Final = ("app_engine:workspace.table:read", "app_engine:workspace.table:write")
WRITE: Final = ("app_engine:workspace.table.record:write",)
READ: Final = ("app_engine:workspace.table.record:read", *WRITE)
SQL: Final = ("app_engine:workspace.sql_commands:write",)
MAX_ROWS: Final = 500
_OVERWRITE, _IGNORE, _DEFAULTS = (
    "resolution=merge-duplicates",
    "resolution=ignore-conflicts",
    "missing=default",
)


async def apps(call: Call) -> dict[str, Any]:
    await _admit(call, "apps", APPS)
    app = {
        "name": [
            {"language_code": "2052", "text": "学生管理"},
            {"language_code": "1033", "text": "Students"},
        ],
        "namespace": DEMO_NAMESPACE,
        "created_at": 1700000000123,
        "creator": 1789012345678901234,
        "owner": 1789012345678901234,
        "status": "enabled",
        "type": "custom",
        "description": [{"language_code": "2052", "text": ""}],
    }
    return _success({"items": [app], "has_more": False})


async def tables(call: Call) -> dict[str, Any]:
    await _admit(call, "tables", TABLES)
    workspace = _workspace(call)
    items, more = _page(call, [_described(workspace, name) for name in workspace.tables()], default=20)
    return _success({"items": items, **more})


async def table(call: Call) -> dict[str, Any]:
    await _admit(call, "table", TABLES)
    workspace = _workspace(call)
    _columns(call, workspace)
    return _success(_described(workspace, call.path("table_name")))


async def read(call: Call) -> dict[str, Any]:
    await _admit(call, "records.get", READ)
    workspace = _workspace(call)
    columns, query = _columns(call, workspace), call.query
    try:
        wanted = select(query.get("select", ""), columns)
        condition, values = where(query.get("filter", ""), columns)
        order = order_by(query.get("order", ""), columns)
    except QueryError as error:
        raise _invalid(str(error)) from None
    name = quoted(call.path("table_name"))
    size, offset = _size(call, default=10), _offset(call)
    # Names are quoted and were looked up in the table, values are bound.
    total = _run(workspace, f"SELECT count(*) AS total FROM {name}{condition}", values)[0]["total"]  # noqa: S608 -- see above
    page = f"SELECT {wanted} FROM {name}{condition}{order} LIMIT {size} OFFSET {offset}"  # noqa: S608 -- see above
    rows = _run(workspace, page, values)
    return _success({"total": total, "items": _text(rows), **_more(offset, size, total)})


async def insert(call: Call) -> dict[str, Any]:
    await _admit(call, "records.post", WRITE)
    workspace = _workspace(call)
    columns = _columns(call, workspace)
    named = [name for name in call.query.get("columns", "").split(",") if name]
    conflict = [name for name in call.query.get("on_conflict", "").split(",") if name]
    _check_names([*named, *conflict], columns)
    statements = []
    for given in _rows(call):
        row = {name: value for name, value in given.items() if not named or name in named}
        row.setdefault("_id", new_record_id())
        _check_names(row, columns)
        statements.append(_insertion(call, row, conflict))
    return _success({"record_ids": [row["_id"] for row in _run_all(workspace, statements)]})


async def update(call: Call) -> dict[str, Any]:
    await _admit(call, "records.patch", WRITE)
    workspace = _workspace(call)
    columns = _columns(call, workspace)
    values = _parsed(call, "record")
    if not isinstance(values, dict) or not values:
        raise _invalid("record is not the JSON text of an object")
    _check_names(values, columns)
    condition, bound = _filter(call, columns)
    statement = (
        f"UPDATE {quoted(call.path('table_name'))} SET {_assignments(values)}{condition} RETURNING _id"  # noqa: S608 -- see above
    )
    rows = _run(workspace, statement, [*map(_bound, values.values()), *bound])
    return _success({"record_ids": [row["_id"] for row in rows]})


async def update_rows(call: Call) -> dict[str, Any]:
    await _admit(call, "records.batch_update", WRITE)
    workspace = _workspace(call)
    columns, rows = _columns(call, workspace), _rows(call)
    statements = []
    for row in rows:
        if "_id" not in row or set(row) != set(rows[0]) or len(row) == 1:
            raise _invalid("every record needs its _id and the same columns")
        _check_names(row, columns)
        values = {name: value for name, value in row.items() if name != "_id"}
        statement = (
            f"UPDATE {quoted(call.path('table_name'))} SET {_assignments(values)} WHERE _id = ? RETURNING _id"  # noqa: S608 -- see above
        )
        statements.append((statement, [*map(_bound, values.values()), row["_id"]]))
    return _success({"record_ids": [row["_id"] for row in _run_all(workspace, statements)]})


async def delete(call: Call) -> dict[str, Any]:
    await _admit(call, "records.delete", WRITE)
    workspace = _workspace(call)
    condition, bound = _filter(call, _columns(call, workspace))
    _run(workspace, f"DELETE FROM {quoted(call.path('table_name'))}{condition}", bound)  # noqa: S608 -- see above
    return _success({})


async def sql(call: Call) -> dict[str, Any]:
    await _admit(call, "sql_commands", SQL)
    workspace = _workspace(call)
    statement = call.json().get("sql")
    if not isinstance(statement, str) or not statement.strip():
        raise _invalid("sql is required")
    try:
        rows = workspace.run_foreign(statement)
    except WorkspaceError as error:
        raise _invalid(str(error)) from None
    return _success({"result": _text(rows) if rows else ""})


async def _admit(call: Call, api: str, scopes: tuple[str, ...]) -> None:
    await admit(call, f"apaas.{api}", tenant=False, user=True, scopes=scopes)


def _workspace(call: Call) -> Workspace:
    workspace = call.world.workspaces.get(call.path("workspace_id"))
    if workspace is None:
        raise _invalid("no such workspace")
    return workspace


def _columns(call: Call, workspace: Workspace) -> dict[str, dict[str, Any]]:
    columns = workspace.columns(call.path("table_name"))
    if not columns:
        raise _invalid("no such table")
    return columns


def _described(workspace: Workspace, name: str) -> dict[str, Any]:
    return {"name": name, "description": "", "columns": list(workspace.columns(name).values())}


def _rows(call: Call) -> list[dict[str, Any]]:
    rows = _parsed(call, "records")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ROWS:
        raise _invalid(f"records is not the JSON text of 1 to {MAX_ROWS} rows")
    if not all(isinstance(row, dict) for row in rows):
        raise _invalid("records holds something that is no row")
    return rows


def _parsed(call: Call, name: str) -> Any:
    text = call.json().get(name)
    if not isinstance(text, str):
        raise _invalid(f"{name} must be a string")
    try:
        return parse_json(text)
    except ValueError:
        raise _invalid(f"{name} is not JSON") from None


def _insertion(call: Call, row: dict[str, Any], conflict: list[str]) -> tuple[str, list[Any]]:
    names = ", ".join(map(quoted, row))
    statement = (
        f"INSERT INTO {quoted(call.path('table_name'))} ({names}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608 -- see above
    )
    prefer = call.request.headers.get("prefer", "")
    if prefer not in {"", _OVERWRITE, _IGNORE, _DEFAULTS}:
        raise _invalid("unknown preference")
    if prefer == _IGNORE:
        statement += " ON CONFLICT DO NOTHING"
    elif prefer == _OVERWRITE or conflict:
        keys = conflict or ["_id"]
        values = ", ".join(
            f"{quoted(name)} = excluded.{quoted(name)}" for name in row if name not in {*keys, "_id"}
        )
        act = f"UPDATE SET {values}" if values else "NOTHING"
        statement += f" ON CONFLICT ({', '.join(map(quoted, keys))}) DO {act}"
    return f"{statement} RETURNING _id", [_bound(value) for value in row.values()]


def _filter(call: Call, columns: dict[str, Any]) -> tuple[str, list[Any]]:
    """A condition; changing every row is not what anybody may mean."""
    try:
        condition, values = where(call.query.get("filter", ""), columns)
    except QueryError as error:
        raise _invalid(str(error)) from None
    if not condition:
        raise _invalid("filter is required")
    return condition, values


def _assignments(values: dict[str, Any]) -> str:
    return ", ".join(f"{quoted(name)} = ?" for name in values)


def _bound(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _check_names(names: Any, columns: dict[str, Any]) -> None:
    unknown = set(names) - set(columns)
    if unknown:
        raise _invalid(f"no such column: {', '.join(sorted(unknown))}")


def _run(workspace: Workspace, statement: str, values: list[Any]) -> list[dict[str, Any]]:
    return _run_all(workspace, [(statement, values)])


def _run_all(workspace: Workspace, statements: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    try:
        return workspace.run_all(statements)
    except WorkspaceError as error:
        raise _invalid(str(error)) from None


def _page(
    call: Call, items: list[dict[str, Any]], *, default: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    size, offset = _size(call, default=default), _offset(call)
    return items[offset : offset + size], _more(offset, size, len(items))


def _more(offset: int, size: int, total: int) -> dict[str, Any]:
    has_more = offset + size < total
    return {"has_more": has_more} | ({"page_token": str(offset + size)} if has_more else {})


def _size(call: Call, *, default: int) -> int:
    text = call.query.get("page_size", str(default))
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= MAX_ROWS:
        raise _invalid(f"page_size must be between 1 and {MAX_ROWS}")
    return int(text)


def _offset(call: Call) -> int:
    text = call.query.get("page_token") or "0"
    if not text.isdecimal() or len(text) > 9:
        raise _invalid("page_token")
    return int(text)


def _text(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "msg": "success", "data": data}


def _invalid(why: str) -> PlatformError:
    return PlatformError(2320001, f"param is invalid: {why}")
