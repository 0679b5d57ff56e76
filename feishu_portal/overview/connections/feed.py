"""The board's messages: rows that differ from those the page shows, and when something was last received."""

import time
from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string

from bots.live_updates import BOTS, PROCESSES, SLOTS
from core.console.live import ANYTHING, Changes
from core.console.live.feeds import Feed
from core.console.live.viewers import Viewer
from feishu_portal.overview.connections.board import Board, BoardRow, Selection, read_board, read_rows


class BoardFeed(Feed):
    """The page sends ``{"columns": digest, "heads": digest, "is_cut": …, "show": …, "query": …, "rows": {id:
    digest}}`` and gets, in one message, ``rows``
    {id: html}, ``gone`` [id], ``heads`` {html, digest, columns}, ``counts`` and ``times`` {place: seconds since 1970}, each only
    if there is any, and ``now``. ``counts`` {health or "": text} is what the page cannot count, as not all bots are drawn; it is
    empty once they are."""

    topics = (BOTS, SLOTS, PROCESSES)

    def start(self, handshake: Any) -> None:
        self._rows = {str(key): str(digest) for key, digest in handshake["rows"].items()}
        self._columns, self._heads = str(handshake["columns"]), str(handshake["heads"])
        self._times: dict[str, float] = {}
        self._counts: dict[str, str] | None = None if handshake.get("is_cut") else {}
        self._selection = Selection(str(handshake.get("show", "")), str(handshake.get("query", "")))

    def read(self, viewer: Viewer, changes: Changes) -> Iterable[dict[str, Any]]:
        board, may_be_gone, is_whole = self._read(viewer, changes)
        news = self._news(board, may_be_gone)
        if is_whole and (counts := _counts(board)) != self._counts:
            self._counts = counts
            news["counts"] = counts
        return [{"type": "board", "now": time.time()} | news] if news else []

    def _read(self, viewer: Viewer, changes: Changes) -> tuple[Board, Iterable[str], bool]:
        """As little as will do, ids that may be gone, and whether it is everything: it is when the columns are others."""
        some = None if changes.of(PROCESSES) is ANYTHING else read_rows(viewer.user, changes)
        if some is not None and some[0].columns == self._columns:
            return *some, False
        return read_board(viewer.user, self._selection), list(self._rows), True

    def _news(self, board: Board, may_be_gone: Iterable[str]) -> dict[str, Any]:
        present = {row.id for row in board.rows}
        gone = [key for key in may_be_gone if key in self._rows and key not in present]
        rows = {row.id: render_row(row) for row in board.rows if self._rows.get(row.id) != row.digest}
        times = {
            place: moment
            for row in board.rows
            for place, moment in row.times.items()
            if self._times.get(place) != moment
        }
        news: dict[str, Any] = {"rows": rows, "gone": gone, "times": times}
        if board.heads != self._heads:
            news["heads"] = {"html": render_heads(board), "digest": board.heads, "columns": board.columns}
        self._columns, self._heads = board.columns, board.heads
        self._rows |= {row.id: row.digest for row in board.rows}
        for key in gone:
            del self._rows[key]
        self._times |= times
        return {name: value for name, value in news.items() if value}


def _counts(board: Board) -> dict[str, str]:
    """What stands on the tiles, where not all bots are drawn."""
    if not board.is_cut:
        return {}
    return {"": str(board.total)} | {str(health): str(count) for health, count in board.counts.items()}


def render_row(row: BoardRow) -> str:
    """One row as it stands on the page."""
    return render_to_string("admin/connections/row.html", {"row": row})


def render_heads(board: Board) -> str:
    """The heads of the columns."""
    return render_to_string("admin/connections/heads.html", {"board": board})
