"""A pooler such as PgBouncer between the portal and PostgreSQL: what a session may be told, and whether one is there unsaid.

A pooler takes no options at connecting. One that pools by session is told after connecting what holds for the session. With one that
pools by transaction nothing may be said for the session, which is another client's a moment later: limits are set within each
transaction, nothing is prepared, and the server's own synchronous_commit counts.
"""

import logging
import threading
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

from core.database.marker import MARKER
from feishu.text import Text

logger = logging.getLogger(__name__)

SESSION: Final = "session"
TRANSACTION: Final = "transaction"
DURABLE: Final = frozenset({"on", "remote_write", "remote_apply"})
REFUSED: Final = "unsupported startup parameter"

SAY_POOLER: Final = Text(
    "数据库前有 PgBouncer 等连接池：请将 FEISHU_POOLER 设为 session 或 transaction（与其 pool_mode 一致）",
    "There is a pooler such as PgBouncer in front of the database: set FEISHU_POOLER to session or transaction, as its pool_mode",
)
NOT_DURABLE: Final = Text(
    "数据库的 synchronous_commit 为关闭，已确认的事件可能丢失：请执行 ALTER ROLE … SET synchronous_commit = on",
    "The database's synchronous_commit is off, so acknowledged events could be lost: ALTER ROLE … SET synchronous_commit = on",
)

_asked = threading.Event()


def is_by_transaction() -> bool:
    """Whether the next transaction may have another session."""
    return bool(settings.POOLER == TRANSACTION)


def problem() -> Text | None:
    """What is wrong between the portal and the server; None where nothing is. Raises django.db.Error."""
    return _problem(connection)


def _problem(connection: Any) -> Text | None:
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('{MARKER}', true), current_setting('synchronous_commit')")
        direct, durable = cursor.fetchone()
    if settings.POOLER == "none":
        return None if direct == "on" else SAY_POOLER
    return None if durable in DURABLE else NOT_DURABLE


def problem_of(error: BaseException) -> Text | None:
    """What an error at connecting says about a pooler; None where it says nothing."""
    return SAY_POOLER if REFUSED in str(error) else None


def _prepare_session(connection: Any, **_signal: object) -> None:
    if connection.vendor != "postgresql":
        return
    if settings.POOLER == SESSION:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
    if not _asked.is_set():
        _asked.set()  # once in a process
        if found := _problem(connection):
            logger.error("pooler_unsuitable", extra={"problem": found.en_us})


connection_created.connect(_prepare_session, dispatch_uid="core.database.pooler")
