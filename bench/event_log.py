"""How the event log answers with a thousand events and with a million: ``make bench-event-log``.

Starts a PostgreSQL of its own with a database of each size and asks both in turn, through Django's test client, so that
whatever else the machine does falls upon both. Prints the best times, to which other work can only add, and their ratios.
Takes a few minutes, and about 4 GB of disk while it runs; ``ARGS="--rows 100000"`` is quicker, and ``--only TEXT`` asks
only the questions whose names contain the text.
"""

import argparse
import os
import tempfile
import time
from datetime import timedelta
from typing import Any

import psycopg

from bench.event_log_questions import BOTS, FIRST, Ask, Questions
from tests.services.postgresql import PostgreSQL, find_programs
from tests.services.session import SECRETS, replace_environment

FEW = 1_000
MANY = "portal_of_many"
ASKED = 7  # times each; the best counts
DAYS = 30  # over which the events are spread

# One in twenty failed; types as common as they are in an office; 1.2 KB each, the way messages are.
EVENTS = """
INSERT INTO events_event (bot_id, dedupe_key, event_id, event_type, arrived_by, status, payload, tenant_key, trace_id,
                          created_at, received_at, finished_at, error, duplicates)
SELECT (%(bots)s::uuid[])[CASE WHEN n %% 1000 = 0 OR n <= 100 THEN %(count)s
                                WHEN n %% (%(count)s - 1) = %(count)s - 2 AND n > %(to)s / 2 THEN 1
                                ELSE 1 + n %% (%(count)s - 1) END],
       'message:om_' || md5(n::text), md5('e' || n), type, CASE WHEN n %% 10 = 0 THEN 'webhook' ELSE 'websocket' END,
       CASE WHEN n %% 20 = 7 THEN 'dead' WHEN n %% 20 = 3 THEN 'ignored' ELSE 'done' END,
       convert_to('{"schema":"2.0","header":{"event_id":"' || md5('e' || n) || '","event_type":"' || type
           || '","tenant_key":"tenant"},"event":{"sender":{"sender_id":{"open_id":"ou_' || md5('u' || n %% 5000)
           || '"}},"message":{"message_id":"om_' || md5(n::text) || '","chat_id":"oc_' || md5('c' || n %% 300)
           || '","content":"{\\"text\\":\\"' || CASE WHEN n = 1 THEN 'needle' ELSE 'hello' END || ' 早上好 '
           || (SELECT string_agg(md5(n || '.' || part), ' ') FROM generate_series(1, 24) AS part) || '\\"}"}}}', 'UTF8'),
       'tenant', md5('t' || n), at, at, at + interval '80 ms', '', 0
FROM (SELECT n, %(first)s + n * %(apart)s AS at,
             CASE WHEN n %% 20 = 5 THEN 'approval.instance.rejected_v4' WHEN n %% 10 = 1 THEN 'im.message.reaction.created_v1'
                  WHEN n %% 10 = 2 THEN 'contact.user.updated_v3' ELSE 'im.message.receive_v1' END AS type
      FROM generate_series(1, %(to)s) AS n) AS numbered
"""
RUNS = """
INSERT INTO events_handlerrun (event_id, bot_id, order_key, handler, round, is_current, status, attempts, run_at,
                               started_at, finished_at, failure, error, fingerprint)
SELECT id, bot_id, '', 'shop.handlers.h' || id % 5, 0, true, CASE WHEN status = 'dead' THEN 'dead' ELSE 'succeeded' END,
       1, received_at, received_at, finished_at, CASE WHEN status = 'dead' THEN 'raised' ELSE '' END,
       CASE WHEN status = 'dead' THEN 'ValueError: no stock' ELSE '' END,
       CASE WHEN status = 'dead' THEN 'print' || id % 3 ELSE '' END
FROM events_event WHERE status <> 'ignored'
"""
HANDLER_ATTEMPTS = """
INSERT INTO events_handlerattempt (run_id, number, started_at, finished_at, outcome, error)
SELECT id, 1, started_at, finished_at, 'succeeded', '' FROM events_handlerrun WHERE status = 'succeeded'
"""
DELIVERIES = """
INSERT INTO events_delivery (event_id, bot_id, subscription_id, round, is_current, status, attempts, run_at, started_at,
                             finished_at, failure, error, fingerprint)
SELECT id, bot_id, %(subscription)s, 0, true, CASE WHEN id %% 4 = 0 THEN 'pending' ELSE 'succeeded' END, 1, received_at,
       received_at, finished_at, '', '', ''
FROM events_event
"""
DELIVERY_ATTEMPTS = """
INSERT INTO events_deliveryattempt (delivery_id, number, started_at, finished_at, outcome, response, error)
SELECT id, 1, started_at, finished_at, 'succeeded', 'ok', '' FROM events_delivery WHERE status = 'succeeded'
"""


def main() -> None:
    """Fill, ask, fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", action="append", default=[], metavar="TEXT")
    options = parser.parse_args()
    server = PostgreSQL(find_programs())
    with tempfile.TemporaryDirectory() as data:
        try:
            server.start()
            create_databases(server.url)
            replace_environment(
                SECRETS
                | {"DATABASE_URL": server.url, "DEBUG": "off", "DATA_DIR": data, "LOG_LEVEL": "ERROR"}
                | {"ALLOWED_HOSTS": "testserver"}  # what Django's test client calls itself
            )
            _measure(server, options.rows, options.only)
        finally:
            server.stop()


def create_databases(url: str) -> None:
    """One for few rows and one for many."""
    host = url.split("@", 1)[1].rpartition("/")[0]
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        for name in ("portal", MANY):
            connection.execute(f"CREATE DATABASE {name}")


def _measure(server: PostgreSQL, rows: int, only: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "feishu_portal.settings"
    import django  # noqa: PLC0415 -- the settings read the environment that was just made

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- after Django is set up
    from django.db import connections  # noqa: PLC0415 -- after Django is set up

    asked: list[tuple[Any, dict[str, Ask]]] = []
    for name, size in (("portal", FEW), (MANY, rows)):
        connections["default"] = connections["default"].copy()
        connections["default"].settings_dict = {**connections["default"].settings_dict, "NAME": name}
        call_command("migrate", verbosity=0)
        questions = Questions(timedelta(days=DAYS) / size)
        begun = time.monotonic()
        _fill(questions, size)
        print(f"{size:,} events ({time.monotonic() - begun:.0f} s to fill)", flush=True)
        asked.append((connections["default"], questions.all(size)))
    print(f"{server.description}; best of {ASKED}\n\n{'':46}{FEW:>9,}{rows:>12,}  ratio")
    for question in asked[0][1]:
        if only and not any(text in question for text in only):
            continue
        few, many = best(connections, [(database, ask[question]) for database, ask in asked])
        print(f"{question:46}{few * 1000:>6.0f} ms{many * 1000:>9.0f} ms  {many / few:5.1f}", flush=True)


def best(connections: Any, asked: list[tuple[Any, Ask]]) -> list[float]:
    """The best time in seconds of each question, asked in turn, each of its own database."""
    best = [float("inf")] * len(asked)
    for turn in range(ASKED + 1):
        for number, (database, ask) in enumerate(asked):
            connections["default"] = database
            begun = time.perf_counter()
            answer = ask()
            taken = time.perf_counter() - begun
            if answer.status_code != 200:
                raise RuntimeError(f"{answer.status_code}: {answer.content[:300]!r}")
            if turn:  # the first one warms up
                best[number] = min(best[number], taken)
    return best


def _fill(questions: Questions, last: int) -> None:
    from django.db import connection  # noqa: PLC0415 -- after Django is set up

    with connection.cursor() as cursor:
        values = {
            "bots": questions.bots,
            "count": BOTS,
            "first": FIRST,
            "apart": questions.apart,
            "to": last,
            "subscription": questions.subscription,
        }
        cursor.execute(EVENTS, values)
        cursor.execute(RUNS)
        cursor.execute(HANDLER_ATTEMPTS)
        cursor.execute(DELIVERIES, values)
        cursor.execute(DELIVERY_ATTEMPTS)
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
