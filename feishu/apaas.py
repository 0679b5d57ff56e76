"""Workspaces of aPaaS: their tables and SQL, and the apps of the tenant, for one person.

Pages under "aPaaS" in the open platform's documentation; addresses and fields as in the official SDK
(`lark_oapi/api/apaas/v1/model`). Rows travel as JSON text inside JSON; here they are objects. All of these APIs take
a user's token alone, 10 calls a second; the person also needs the rights that an administrator of the aPaaS app gives.
"""

import json as json_module
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from feishu.errors import MalformedAnswer
from feishu.numbers import integer
from feishu.transport import PlatformAnswer

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]
Prefer: TypeAlias = Literal["resolution=merge-duplicates", "resolution=ignore-conflicts", "missing=default"]
"""What becomes of rows that are there already, and of columns that a row does not name."""

MAX_ROWS: Final = 500
"""Rows in one call, either way."""
MAX_PAGES: Final = 10_000

_BASE: Final = "/open-apis/apaas/v1"


class UserCall(Protocol):
    """Makes one call to the platform with the token of one person; raises FeishuError."""

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PlatformAnswer: ...


@dataclass(frozen=True, slots=True)
class App:
    """An aPaaS app. `names` by language code (2052 is Chinese, 1033 English); `raw`: all that the platform said."""

    namespace: str
    names: Mapping[str, str]
    type: str
    status: str
    raw: Row = field(repr=False)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    data_type: str
    is_primary_key: bool
    is_unique: bool
    is_allow_null: bool


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a table. `total` counts what the filter lets through; `page_token` is empty on the last page."""

    items: list[Row]
    total: int
    page_token: str


class WorkspaceClient:
    """One workspace, as the person for whom `call` speaks. Every method raises what `call` raises, or MalformedAnswer.

    `filter`, `select` and `order` are PostgREST's: ``age=gt.10``, ``_id,name``, ``age.desc``.
    """

    def __init__(self, call: UserCall, workspace_id: str) -> None:
        self._call = call
        self._path = f"{_BASE}/workspaces/{quote(workspace_id, safe='')}"

    def tables(self) -> list[Table]:
        """All tables and their columns."""
        return _all_pages(self._call, f"{self._path}/tables", _table)

    def read(
        self,
        table: str,
        *,
        select: str = "",
        filter: str = "",
        order: str = "",
        page_size: int = MAX_ROWS,
        page_token: str = "",
    ) -> Rows:
        """One page of at most 500 rows."""
        wanted = {"select": select, "filter": filter, "order": order, "page_token": page_token}
        params = {"page_size": page_size} | {name: value for name, value in wanted.items() if value}
        answer = self._call("GET", self._records(table), params=params)
        total = answer.data.get("total")
        return Rows(
            items=_decoded(answer, "items"),
            total=integer(total) or 0,
            page_token=_next(answer),
        )

    def read_all(
        self, table: str, *, select: str = "", filter: str = "", order: str = "", limit: int | None = None
    ) -> Iterator[Row]:
        """Row by row, page after page, `limit` rows at most. Give an `order`, or rows may move between the pages."""
        page_token, left = "", limit
        for _page in range(MAX_PAGES):
            if left is not None and left <= 0:
                return
            size = MAX_ROWS if left is None else min(MAX_ROWS, left)
            page = self.read(
                table, select=select, filter=filter, order=order, page_size=size, page_token=page_token
            )
            yield from page.items[:left]
            left = None if left is None else left - len(page.items)
            page_token = page.page_token
            if not page_token:
                return

    def insert(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Sequence[str] = (),
        on_conflict: Sequence[str] = (),
        prefer: Prefer | None = None,
    ) -> list[str]:
        """Insert 1 to 500 rows; their ids. With `on_conflict` (columns) and `prefer`, also rows that are there already."""
        params = {"columns": ",".join(columns), "on_conflict": ",".join(on_conflict)}
        answer = self._call(
            "POST",
            self._records(table),
            params={name: value for name, value in params.items() if value},
            json={"records": _encoded_rows(rows)},
            headers={"Prefer": prefer} if prefer else None,
        )
        return _record_ids(answer)

    def update(self, table: str, values: Mapping[str, Any], *, filter: str) -> list[str]:
        """Give these values to every row that `filter` lets through; the rows' ids."""
        answer = self._call(
            "PATCH",
            self._records(table),
            params={"filter": _needed(filter)},
            json={"record": _encoded(values)},
        )
        return _record_ids(answer)

    def update_rows(self, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Give 1 to 500 rows values of their own: each names its `_id` and the same columns. Their ids."""
        if any("_id" not in row or set(row) != set(rows[0]) for row in rows):
            raise ValueError("each row needs its _id and the same columns as the others")
        path = f"{self._path}/tables/{quote(table, safe='')}/records_batch_update"
        return _record_ids(self._call("PATCH", path, json={"records": _encoded_rows(rows)}))

    def delete(self, table: str, *, filter: str) -> None:
        """Delete every row that `filter` lets through."""
        self._call("DELETE", self._records(table), params={"filter": _needed(filter)})

    def sql(self, statement: str) -> list[Row]:
        """Run one statement; the rows it gives, none where it is not a question."""
        answer = self._call("POST", f"{self._path}/sql_commands", json={"sql": statement})
        return _decoded(answer, "result")

    def _records(self, table: str) -> str:
        return f"{self._path}/tables/{quote(table, safe='')}/records"


def list_apps(call: UserCall) -> list[App]:
    """The aPaaS apps of the tenant that the person sees."""
    return _all_pages(call, f"{_BASE}/apps", _app)


def _all_pages(call: UserCall, path: str, read: Callable[[Row], T]) -> list[T]:
    found: list[T] = []
    params: dict[str, Any] = {"page_size": 100}
    for _page in range(MAX_PAGES):
        answer = call("GET", path, params=params)
        found += [read(item) for item in answer.items()]
        token = _next(answer)
        if not token:
            break
        params["page_token"] = token
    return found


def _next(answer: PlatformAnswer) -> str:
    return str(answer.data.get("page_token") or "") if answer.data.get("has_more") is True else ""


def _app(item: Row) -> App:
    names = item.get("name") or ()
    return App(
        namespace=str(item.get("namespace") or ""),
        names={str(name.get("language_code")): str(name.get("text")) for name in names},
        type=str(item.get("type") or ""),
        status=str(item.get("status") or ""),
        raw=item,
    )


def _table(item: Row) -> Table:
    columns = tuple(
        Column(
            name=str(column.get("name") or ""),
            data_type=str(column.get("data_type") or ""),
            is_primary_key=column.get("is_primary_key") is True,
            is_unique=column.get("is_unique") is True,
            is_allow_null=column.get("is_allow_null") is True,
        )
        for column in item.get("columns") or ()
    )
    return Table(str(item.get("name") or ""), str(item.get("description") or ""), columns)


def _encoded(value: Any) -> str:
    return json_module.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _encoded_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    if not 0 < len(rows) <= MAX_ROWS:
        raise ValueError(f"1 to {MAX_ROWS} rows go into one call, not {len(rows)}")
    return _encoded([dict(row) for row in rows])


def _decoded(answer: PlatformAnswer, name: str) -> list[Row]:
    text = answer.data.get(name)
    if text in (None, ""):
        return []
    try:
        rows = json_module.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedAnswer(f"{name} is not the JSON text of rows", log_id=answer.log_id)
    return rows


def _record_ids(answer: PlatformAnswer) -> list[str]:
    ids = answer.data.get("record_ids")
    return [str(one) for one in ids] if isinstance(ids, list) else []


def _needed(filter: str) -> str:
    if not filter:
        raise ValueError("without a filter every row of the table would be meant")
    return filter
