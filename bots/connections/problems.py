"""What is wrong with a connection, for people: the platform's code, or a stable reason where it gave none."""

from typing import Final

from feishu.categories import Category
from feishu.codes import CodeInfo, explain
from feishu.errors import FeishuError
from feishu.text import Text

NO_ROOM: Final = "no_room"
"""The reason of a slot that every process is too full for."""

_NO_ROOM_INFO: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有进程能再容纳此连接", "No process has room for this connection"),
    Text(
        "请调高 FEISHU_MAX_CONNECTIONS，或再启动一个 runfeishu",
        "Raise FEISHU_MAX_CONNECTIONS or start another runfeishu",
    ),
)


def explain_problem(code: int | None, reason: str) -> CodeInfo | None:
    """Cause and cure; None where nothing is wrong."""
    if code is None and reason == NO_ROOM:
        return _NO_ROOM_INFO
    return explain(code, reason) if code is not None or reason else None


def words_of(error: FeishuError) -> str:
    """What the platform itself said. Our own words are for the log: a page says the reason in its own language."""
    if error.code is not None:
        return str(error)
    return f"HTTP {error.http_status}" if error.http_status else ""
