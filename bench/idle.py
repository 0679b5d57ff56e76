"""What an installation costs while nothing happens: ``make bench-idle``.

Starts PostgreSQL, Redis and the sandbox, adds one bot and starts the five processes of an installation as production does.
When they have settled, it measures each for a while: share of a core, memory, and how often its threads wake up; and in a
second window, because writing a log costs time as well, the statements that PostgreSQL gets from it.

Memory is counted twice. What processes share, such as the code of libraries and what a worker's children have from their
parent, is divided among them in the one figure (PSS), which adds up to what the host has to have; the other (RSS) counts it
in full for each.

Kept: all five together at most 3 % of a core and 600 MB. On a busy machine processor time is some tenths higher: caches are
cold whenever a process wakes up. To compare two commits, run them in turns.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass

import psycopg

from bench.platform import Platform
from bench.processor import pids_of_session, proportional_bytes, resident_bytes, seconds_of_session, wakeups
from bench.report import load, progress, say
from bench.servers import Servers, conninfo, durable_servers
from tests.services.platform import APP_SECRET
from tests.services.ports import free_port

MOST_PERCENT = 3.0
"""Of one core."""
MOST_MB = 600
MB = 1024 * 1024
CELERY = ("-m", "celery", "-A", "feishu_portal")
LOGGING = ("logging_collector=on", "log_line_prefix=%a|", "log_directory=log")


@dataclass(frozen=True)
class Cost:
    """Of one process with its children, or of several."""

    percent: float
    proportional: int
    resident: int
    wakeups: float
    """A second."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.percent + other.percent,
            self.proportional + other.proportional,
            self.resident + other.resident,
            self.wakeups + other.wakeups,
        )

    def line(self, name: str) -> str:
        return f"{name:10} {self.percent:6.2f} {self.proportional / MB:8.0f} {self.resident / MB:8.0f} {self.wakeups:8.1f}"


class Installation:
    """Five processes with one bot."""

    def __init__(self, servers: Servers) -> None:
        platform = Platform(servers.start)
        self.database = servers.postgresql()
        environment = {"DATABASE_URL": self.database, "REDIS_URL": servers.broker()}
        adding = environment | {"FEISHU_APP_SECRET": APP_SECRET}
        servers.run("-m", "bench.add_bots", platform.url, platform.new_app(), environment=adding)
        commands = {
            "web": ("-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(free_port())),
            "runfeishu": ("manage.py", "runfeishu"),
            "worker": (*CELERY, "worker"),
            "refresher": (*CELERY, "worker", "-Q", "token_refresh", "--pool", "threads"),
            "beat": (*CELERY, "beat"),
        }
        self.processes = {
            name: servers.start(*command, environment=environment) for name, command in commands.items()
        }

    def costs(self, *, seconds: float) -> dict[str, Cost]:
        """Of each process, over so many seconds from now."""
        sessions = {name: process.pid for name, process in self.processes.items()}
        before = {name: (seconds_of_session(pid), wakeups(pid)) for name, pid in sessions.items()}
        time.sleep(seconds)
        return {
            name: Cost(
                (seconds_of_session(pid) - before[name][0]) / seconds * 100,
                sum(proportional_bytes(one) for one in pids_of_session(pid)),
                sum(resident_bytes(one) for one in pids_of_session(pid)),
                (wakeups(pid) - before[name][1]) / seconds,
            )
            for name, pid in sessions.items()
        }

    def statements(self, *, seconds: float) -> dict[str, float]:
        """A minute, by the name that a process gives itself towards PostgreSQL."""
        with psycopg.connect(conninfo(self.database), autocommit=True) as database:
            _log_statements(database, "all")
            time.sleep(seconds)
            _log_statements(database, "none")
            [(log,)] = database.execute("SELECT pg_read_file(pg_current_logfile())")
        heads = (line.partition("|") for line in str(log).splitlines() if "LOG:  " in line)
        counted = Counter(name for name, _, rest in heads if "statement:" in rest or "execute " in rest)
        return {
            name: count / seconds * 60 for name, count in sorted(counted.items()) if name.startswith("feishu")
        }


def _log_statements(database: psycopg.Connection, which: str) -> None:
    database.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
    database.execute("SELECT pg_reload_conf()")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settle", type=float, default=60, help="seconds that the processes get to start")
    parser.add_argument("--seconds", type=float, default=90, help="that are measured")
    options = parser.parse_args()
    with durable_servers(*LOGGING) as servers:
        installation = Installation(servers)
        progress(f"five processes settle for {options.settle:.0f} s")
        time.sleep(options.settle)
        progress(f"measuring for {options.seconds:.0f} s; {load()}")
        database = servers.postgresql_seconds()
        costs = installation.costs(seconds=options.seconds)
        percent_of_database = (servers.postgresql_seconds() - database) / options.seconds * 100
        say(f"\n{'':10} {'% core':>6} {'MB PSS':>8} {'MB RSS':>8} {'wakes/s':>8}")
        for name, cost in costs.items():
            say(cost.line(name))
        total = sum(costs.values(), Cost(0, 0, 0, 0))
        say(total.line("all"))
        say(f"PostgreSQL {percent_of_database:6.2f}\n")
        for name, count in installation.statements(seconds=options.seconds / 3).items():
            say(f"{name:26} {count:4.0f} statements a minute")
    is_kept = total.percent <= MOST_PERCENT and total.proportional <= MOST_MB * MB
    say("kept" if is_kept else f"not kept: at most {MOST_PERCENT:.0f} % and {MOST_MB} MB")
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
