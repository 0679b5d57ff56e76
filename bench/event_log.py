"""How the event log answers with a thousand events and with a million: ``make bench-event-log``.

Starts a PostgreSQL of its own with a database of each size and asks both in turn, through Django's test client, so that
whatever else the machine does falls upon both. Prints the best times, to which other work can only add, and their ratios.
Takes a few minutes, and about 4 GB of disk while it runs; ``ARGS="--rows 100000"`` is quicker.
"""

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from tests.services.postgresql import PostgreSQL, find_programs
from tests.services.session import SECRETS, replace_environment

if TYPE_CHECKING:
    from django.test import Client

FEW = 1_000
MANY = "portal_of_many"
ASKED = 7  # times each; the best counts
BOTS = 8  # the last of them is quiet: one event in a thousand is its own
FIRST = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
DAYS = 30  # over which the events are spread

# One in twenty failed; types as common as they are in an office; 1.2 KB each, the way messages are.
EVENTS = """
INSERT INTO events_event (bot_id, dedupe_key, event_id, event_type, arrived_by, status, payload, tenant_key, trace_id,
                          created_at, received_at, finished_at, error, duplicates)
SELECT (%(bots)s::uuid[])[CASE WHEN n %% 1000 = 0 THEN %(count)s ELSE 1 + n %% (%(count)s - 1) END],
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
DELIVERIES = """
INSERT INTO events_delivery (event_id, bot_id, order_key, handler, round, is_current, status, attempts, run_at,
                             started_at, finished_at, failure, error, error_print)
SELECT id, bot_id, '', 'shop.handlers.h' || id % 5, 0, true, CASE WHEN status = 'dead' THEN 'dead' ELSE 'succeeded' END,
       1, received_at, received_at, finished_at, CASE WHEN status = 'dead' THEN 'raised' ELSE '' END,
       CASE WHEN status = 'dead' THEN 'ValueError: no stock' ELSE '' END,
       CASE WHEN status = 'dead' THEN 'print' || id % 3 ELSE '' END
FROM events_event WHERE status <> 'ignored'
"""
PUSHES = """
INSERT INTO events_delivery (event_id, bot_id, order_key, handler, subscription_id, round, is_current, status, attempts,
                             run_at, started_at, finished_at, failure, error, error_print)
SELECT id, bot_id, '', 'subscription:' || %(subscription)s, %(subscription)s, 0, true,
       CASE WHEN id %% 4 = 0 THEN 'pending' ELSE 'succeeded' END, 1, received_at, received_at, finished_at, '', '', ''
FROM events_event
"""
TRIES = """
INSERT INTO events_deliveryattempt (delivery_id, number, started_at, finished_at, outcome, answer, error)
SELECT id, 1, started_at, finished_at, 'succeeded', 'ok', '' FROM events_delivery WHERE status = 'succeeded'
"""


def main() -> None:
    """Fill, ask, fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    server = PostgreSQL(find_programs())
    with tempfile.TemporaryDirectory() as data:
        try:
            server.start()
            _create_databases(server.url)
            replace_environment(
                SECRETS | {"DATABASE_URL": server.url, "DEBUG": "off", "DATA_DIR": data, "LOG_LEVEL": "ERROR"}
            )
            _measure(server, rows)
        finally:
            server.stop()


def _create_databases(url: str) -> None:
    host = url.split("@", 1)[1].rpartition("/")[0]
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        for name in ("portal", MANY):
            connection.execute(f"CREATE DATABASE {name}")


def _measure(server: PostgreSQL, rows: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "feishu_portal.settings"
    import django  # noqa: PLC0415 -- the settings read the environment that was just made

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    setup_test_environment()
    asked: list[tuple[Any, dict[str, Callable[[], Any]]]] = []
    for name, size in (("portal", FEW), (MANY, rows)):
        connections["default"] = connections["default"].copy()
        connections["default"].settings_dict = {**connections["default"].settings_dict, "NAME": name}
        call_command("migrate", verbosity=0)
        questions = _Questions(timedelta(days=DAYS) / size)
        begun = time.monotonic()
        _fill(questions, size)
        print(f"{size:,} events ({time.monotonic() - begun:.0f} s to fill)", flush=True)
        asked.append((connections["default"], questions.all(size)))
    print(f"{server.description}; best of {ASKED}\n\n{'':46}{FEW:>9,}{rows:>12,}  ratio")
    for question in asked[0][1]:
        few, many = _best(connections, [(database, ask[question]) for database, ask in asked])
        print(f"{question:46}{few * 1000:>6.0f} ms{many * 1000:>9.0f} ms  {many / few:5.1f}", flush=True)


def _best(connections: Any, asked: list[tuple[Any, Callable[[], Any]]]) -> list[float]:
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


def _fill(questions: "_Questions", last: int) -> None:
    from django.db import connection  # noqa: PLC0415

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
        cursor.execute(DELIVERIES)
        cursor.execute(PUSHES, values)
        cursor.execute(TRIES)
        cursor.execute("VACUUM ANALYZE")


class _Questions:
    """What is asked: by a superuser, by the owner of the quiet bot, and by an API client."""

    def __init__(self, apart: timedelta) -> None:
        from bots.models import Bot  # noqa: PLC0415
        from feishu_portal.access.actors import SYSTEM  # noqa: PLC0415
        from feishu_portal.access.api_keys import add_api_client  # noqa: PLC0415
        from feishu_portal.access.scopes import Scope  # noqa: PLC0415
        from tests.factories import make_bot, make_operator, make_subscription  # noqa: PLC0415

        made = [make_bot() for _ in range(BOTS)]
        self.bots = [str(bot.pk) for bot in made]
        owner = make_operator("owner")
        made[-1].owners.add(owner)
        self._root, self._owner = _signed_in(make_operator("root", superuser=True)), _signed_in(owner)
        _, self._key = add_api_client(
            name="bench", scopes=[Scope.EVENTS_READ], app_ids=[], expires_at=None, actor=SYSTEM
        )
        self.subscription = str(make_subscription().pk)
        self._app_id = Bot.objects.get(pk=self.bots[0]).app_id
        self.apart = apart

    def all(self, size: int) -> dict[str, Callable[[], Any]]:
        """By name, each a call that answers 200."""
        from django.urls import reverse  # noqa: PLC0415

        log, dead = reverse("admin:events_event_changelist"), reverse("admin:events_event_dead_letters")
        newest, middle = FIRST + size * self.apart, size // 2
        day = {
            "from": f"{FIRST:%Y-%m-%dT%H:%M}",
            "until": f"{FIRST + (newest - FIRST) / 4:%Y-%m-%dT%H:%M:%S}",
        }

        def listed(client: "Client", **query: Any) -> Callable[[], Any]:
            return lambda: client.get(log, query)

        api = f"/api/v1/bots/{self._app_id}/events"
        bearer = {"Authorization": f"Bearer {self._key}"}
        return {
            "newest page": listed(self._root),
            "page in the middle": listed(self._root, before=middle),
            "filter: common type": listed(self._root, event_type__exact="im.message.receive_v1"),
            "filter: rare type": listed(self._root, event_type__exact="approval.instance.rejected_v4"),
            "filter: type that never came": listed(self._root, event_type__exact="no.such_v1"),
            "filter: failed": listed(self._root, status__exact="dead"),
            "filter: one bot": listed(self._root, bot__id__exact=self.bots[0]),
            "filter: bot, rare type, failed": listed(
                self._root,
                bot__id__exact=self.bots[0],
                event_type__exact="contact.user.updated_v3",
                status__exact="dead",
            ),
            "filter: webhook": listed(self._root, arrived_by__exact="webhook"),
            "filter: first quarter of the time": listed(self._root, **day),
            "search: event ID": listed(self._root, q=_md5("e17")),
            "search: message ID": listed(self._root, q=f"om_{_md5('17')}"),
            "search in payloads: common word": listed(self._root, q="早上好"),
            "search in payloads: word never written": listed(self._root, q="no such word"),
            "search in payloads: rare type, never written": listed(
                self._root, q="no such word", event_type__exact="approval.instance.rejected_v4"
            ),
            "owner of a quiet bot: newest page": listed(self._owner),
            "owner of a quiet bot: search in payloads": listed(self._owner, q="no such word"),
            "one event": lambda: self._root.get(reverse("admin:events_event_change", args=[17])),
            "dead letters": lambda: self._root.get(dead),
            "owner of a quiet bot: dead letters": lambda: self._owner.get(dead),
            "handlers": lambda: self._root.get(reverse("admin:events_handledbot_changelist")),
            "subscriptions": lambda: self._root.get(reverse("admin:events_subscription_changelist")),
            "one subscription": lambda: self._root.get(
                reverse("admin:events_subscription_change", args=[self.subscription])
            ),
            "overview": lambda: self._root.get(reverse("admin:index")),
            "REST: one event": lambda: self._api().get("/api/v1/events/17", headers=bearer),
            "REST: newest page": lambda: self._api().get(api, headers=bearer),
            "REST: rare type": lambda: self._api().get(
                api, {"type": "contact.user.updated_v3"}, headers=bearer
            ),
            "REST: search in payloads": lambda: self._api().get(api, {"q": "no such word"}, headers=bearer),
        }

    def _api(self) -> "Client":
        from django.test import Client  # noqa: PLC0415

        return Client()


def _signed_in(user: Any) -> "Client":
    from django.test import Client  # noqa: PLC0415

    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
