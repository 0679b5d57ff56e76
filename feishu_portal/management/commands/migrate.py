"""``manage.py migrate``: Django's, which does not wait for locks without limit.

A statement that waits for a table's lock makes everybody wait who comes after it: behind one open reader, such as a dump or an
analyst's session, all handlers would stand still. So it waits for a few seconds, lets the others through, and tries again.
"""

import time
from typing import Any, Final

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from core.checks import SETTINGS
from core.database.poolers import is_by_transaction
from feishu_portal.management.speaking import said

ATTEMPTS: Final = 10
PAUSE: Final = 5.0  # seconds, for the others
_BLOCKERS: Final = (
    "SELECT pid, usename, application_name, state, date_trunc('second', now() - xact_start) FROM pg_stat_activity"
    " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    " ORDER BY xact_start LIMIT 3"
)


class Command(MigrateCommand):
    """Each migration is a transaction of its own, so another attempt goes on where the last one stopped."""

    def check(self, **options: Any) -> None:  # type: ignore[override]  # its own arguments are passed on by name
        """Of the settings and the database. Django would check models and pages as well, which are those of the release, and
        load every page for it."""
        super().check(**options | {"tags": [SETTINGS, Tags.database]})

    def handle(self, *args: Any, **options: Any) -> None:
        connection: Any = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        if is_by_transaction():
            self.stderr.write(
                said(
                    "正在经由连接池迁移，无法限制等待表锁的时间。建议将 DATABASE_URL 设为数据库服务器本身的地址。",
                    "Migrating through a pooler: no limit of waiting can be set. Better give DATABASE_URL of the server itself.",
                )
            )
            super().handle(*args, **options)
            return
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_timeout()])
                super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                self._wait(connection, attempt)
            else:
                return
            finally:
                connection.close()  # the limit with it

    def _wait(self, connection: Any, attempt: int) -> None:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(_BLOCKERS)
            open_ones = [
                said(
                    f"  {pid} {user} {application or '-'}：{state}，已持续 {age}",
                    f"  {pid} {user} {application or '-'}: {state}, open for {age}",
                )
                for pid, user, application, state, age in cursor.fetchall()
            ]
        heading = said("持续最久的未结束事务：", "The oldest open transactions:")
        others = "\n".join([heading, *open_ones] if open_ones else [])
        seconds = f"{settings.MIGRATE_LOCK_SECONDS:g}"
        waited = said(
            f"数据表被其他会话锁定，已等待 {seconds} 秒。",
            f"A table was locked by another session for {seconds} s.",
        )
        if attempt == ATTEMPTS:
            cure = said(
                "请结束该会话，或等待导出完成，然后重新运行 migrate。",
                "End it, or wait for the dump to end, and run migrate again.",
            )
            raise CommandError(f"{waited} {cure}\n{others}")
        again = said(
            f"将在 {PAUSE:g} 秒后重试（{attempt}/{ATTEMPTS}）。",
            f"Trying again in {PAUSE:g} s ({attempt}/{ATTEMPTS}).",
        )
        self.stderr.write(f"{waited} {again}\n{others}")
        connection.close()
        time.sleep(PAUSE)


def _timeout() -> str:
    return f"{round(settings.MIGRATE_LOCK_SECONDS * 1000)}ms"
