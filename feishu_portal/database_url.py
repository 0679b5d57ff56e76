"""The database: from DATABASE_URL to Django's settings, with what each engine needs to be safe under threads."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import environ

from core.database.marker import MARKER
from feishu.text import Text
from feishu_portal.queues import REFRESH_QUEUE
from feishu_portal.variables import WrongValueError

_SQLITE: Final = "django.db.backends.sqlite3"
_POSTGRESQL: Final = "django.db.backends.postgresql"

# A server that vanishes without a farewell, as in a failover, is noticed in seconds and not in the kernel's 15 minutes.
_POSTGRES_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}

_POOL_PATIENCE = 10.0  # seconds that a request waits for a connection


def database_url(value: str) -> str:
    """``value``, the address of a database that can be used. Raises WrongValueError."""
    not_an_address = WrongValueError(
        Text(
            "应为 postgres://用户:密码@主机:端口/库名 或 sqlite:////绝对路径，密码中的特殊字符须转义为 %XX",
            "has to be postgres://user:password@host:port/name or sqlite:////absolute/path, with special characters of "
            "the password written as %XX",
        )
    )
    scheme, _, rest = value.partition("://")
    engine = environ.Env.DB_SCHEMES.get(scheme)
    is_one = engine == _POSTGRESQL or (engine == _SQLITE and rest.startswith(("/", ":memory:")))
    if not rest or not is_one:
        raise not_an_address
    try:
        name: str = environ.Env.db_url_config(value)["NAME"]
    except ValueError:
        raise not_an_address from None
    if not name:
        raise not_an_address
    if engine == _SQLITE:
        _check_file(name)
    return value


def _check_file(name: str) -> None:
    if name == ":memory:":
        return
    file = Path(name)
    if file.is_dir() or (file.exists() and not os.access(file, os.R_OK | os.W_OK)):
        raise WrongValueError(
            Text("所指的 SQLite 文件无法读写", "names an SQLite file that cannot be read and written")
        )
    if not os.access(file.parent, os.W_OK | os.X_OK) or not file.parent.is_dir():
        raise WrongValueError(
            Text(
                "所指的 SQLite 文件所在的目录不存在或无法写入",
                "names an SQLite file in a folder that does not exist or cannot be written to",
            )
        )


POOLERS: Final = ("none", "session", "transaction")


def database(url: str, *, connections: int | None, pooler: str = "none") -> dict[str, Any]:
    """Django's ``DATABASES["default"]``.

    ``connections``: how many the threads of this process share, as many requests at once would else open one each; None
    where each thread has one of its own. ``pooler``: for how long a pooler between portal and server gives a client a
    connection of the server's; one of ``POOLERS``.
    """
    config: dict[str, Any] = environ.Env.db_url_config(url)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == _SQLITE:
        options |= {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
        }
    else:
        options |= _POSTGRES_TIMEOUTS
        config["CONN_HEALTH_CHECKS"] = True
        options.setdefault("application_name", application_name(sys.argv))  # in pg_stat_activity
        if pooler == "none":
            # An acknowledged event must survive the server's crash, whatever the server's own default is. A pooler refuses or
            # ignores these options: the second one shows whether they arrived, see core.database.poolers.
            options["options"] = (
                f"{options.get('options', '')} -c synchronous_commit=on -c {MARKER}=on".strip()
            )
        # Only for statements that are sent as such, see core.database.sql: Django's own carry their values in them.
        options.setdefault("prepare_threshold", 5)
        if str(options["prepare_threshold"]).lower() == "none":
            options["prepare_threshold"] = None  # an address says it in letters
        if pooler == "transaction":
            # What is prepared, or declared, is another client's by the next transaction.
            options["prepare_threshold"] = None
            config["DISABLE_SERVER_SIDE_CURSORS"] = True
        if connections is not None:
            options["pool"] = {
                "min_size": min(2, connections),
                "max_size": connections,
                "timeout": _POOL_PATIENCE,
            }
    return config


def application_name(arguments: Sequence[str]) -> str:
    """What the server calls the sessions of a process with these arguments, e.g. ``feishu-portal runfeishu``."""
    program, *rest = arguments or [""]
    kinds = {"uvicorn": "web", "worker": "worker", "beat": "beat"}
    words = [Path(program).name, *(word for word in rest if not word.startswith("-"))]
    kind = next((kinds[word] for word in words if word in kinds), "")
    if REFRESH_QUEUE in " ".join(rest):
        kind = "refresher"
    if not kind and words[0] == "manage.py" and len(words) > 1:
        kind = words[1]
    return f"feishu-portal {kind}".strip()[:63]
