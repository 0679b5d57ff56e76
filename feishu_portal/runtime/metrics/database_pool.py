"""How busy the pools of database connections of this process are, read with each scrape."""

from typing import Final

from core.database.pooling import pools
from core.metrics.registry import gauge
from feishu.text import Text

_pool: Final = gauge(
    "feishu_database_pool",
    Text(
        "本进程数据库连接池：used 为使用中的连接，waiting 为等待连接的线程。prefork worker 只含父进程。",
        "Pools of database connections of this process: used connections, and threads waiting for one. Of a prefork worker the "
        "parent's.",
    ),
    "state",
)


def used() -> float:
    """Connections that are opened or held by a thread."""
    stats = [pool.get_stats() for pool in pools()]
    return sum(each.get("pool_size", 0) - each.get("pool_available", 0) for each in stats)


def waiting() -> float:
    """Threads that wait for a connection."""
    return sum(pool.get_stats().get("requests_waiting", 0) for pool in pools())


_pool.labels("used").set_function(used)
_pool.labels("waiting").set_function(waiting)
