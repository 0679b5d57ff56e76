"""What bench/console.py fills a portal with: bots, events and their counts, tokens, requests, uses, messages, people, incidents."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench.event_log import EVENTS, RUNS

if TYPE_CHECKING:
    from django.db.models import Model

DAYS = 30  # over which everything is spread
OWNED = 5  # bots of the operator who is no administrator

# A day's failures are few, and most of them are over.
COUNTS = """
INSERT INTO events_eventcount (bot_id, start, minutes, done, failed, ignored, stale, quarantined, unfinished, duplicates, clicks,
                               late_clicks, within_100ms, within_250ms, within_500ms, within_1s, within_2s, within_3s, within_5s,
                               within_10s, within_30s, within_1min, within_10min, within_1h, longer)
SELECT bot_id, date_trunc('hour', received_at), 60, count(*) FILTER (WHERE status = 'done'),
       count(*) FILTER (WHERE status = 'dead'), count(*) FILTER (WHERE status = 'ignored'), 0, 0, 0, 0, 0, 0,
       count(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM events_event GROUP BY 1, 2
"""
HOURS = "INSERT INTO events_countedhour (start, counted_at) SELECT DISTINCT start, start + interval '1 hour' FROM events_eventcount"


def fill(*, bots: int, events: int, tokens: int) -> dict[str, Any]:
    """Everything, through SQL; the primary keys of the rows whose pages are asked for."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up only now
    from django.utils import timezone  # noqa: PLC0415 -- after Django is set up

    from auth_sessions.models import AuthSession, TokenUse  # noqa: PLC0415 -- after Django is set up
    from bots.models import Bot, ConnectionSlot, Incident, Person, Sending  # noqa: PLC0415 -- after Django is set up
    from core.access import audit  # noqa: PLC0415 -- after Django is set up
    from core.access.actors import SYSTEM  # noqa: PLC0415 -- after Django is set up
    from tests.factories import connect_slots, make_bot, make_grant  # noqa: PLC0415 -- after Django is set up

    now = timezone.now()
    made = [make_bot(name=f"Helper {number}") for number in range(bots)]
    connect_slots(ConnectionSlot.objects.all(), connected_at=now)
    keys = [str(bot.pk) for bot in made]
    first = made[0]
    at = f"now() - n * (interval '{DAYS} days' / {tokens})"
    person = "'ou_' || md5('u' || n)"
    bot = f"(%(bots)s::uuid[])[1 + n %% {bots}]"
    token = make_grant(first, open_id="ou_first")
    session = AuthSession.objects.create(
        bot=first,
        open_id="ou_first",
        state="authorized",
        requested_by="system",
        start_hash="0",
        expires_at=now,
        finished_at=now,
    )
    with connection.cursor() as cursor:
        values = {
            "bots": keys,
            "count": len(keys),
            "first": now - timedelta(days=DAYS),
            "apart": timedelta(days=DAYS) / events,
            "to": events,
        }
        cursor.execute(EVENTS, values)
        cursor.execute(RUNS)
        cursor.execute(COUNTS)
        cursor.execute(HOURS)
        # Of many tokens one in a hundred has ended, of few all: their list has a full page in either portal.
        ended = f"CASE WHEN n %% {max(tokens // 1000, 1)} = 0 THEN 'needs_reauth' ELSE 'active' END"
        multiply(cursor, token, tokens, values, bot_id=bot, open_id=person, authorized_at=at, status=ended)
        multiply(
            cursor,
            session,
            tokens,
            values,
            bot_id=bot,
            open_id=person,
            start_hash="md5('s' || n)",
            created_at=at,
            finished_at=at,
        )
        use = TokenUse.objects.create(
            bot=first,
            caller="CRM",
            kind="call",
            method="GET",
            path="/open-apis/x",
            status=200,
            open_id="ou_first",
        )
        multiply(cursor, use, tokens, values, bot_id=bot, open_id=person, at=at)
        sent = Sending.objects.create(
            bot=first,
            actor="api:CRM",
            kind="message",
            receive_id_type="open_id",
            target="ou_first",
            msg_type="text",
            state="sent",
        )
        multiply(cursor, sent, tokens, values, bot_id=bot, target=person, at=at)
        entry = audit.record(actor=SYSTEM, action="user_token.refreshed", bot=first, target="ou_first")
        multiply(cursor, entry, tokens, values, bot_id=bot, target=person, at=at)
        somebody = Person.objects.create(bot=first, open_id="ou_first", name="王芳")
        multiply(cursor, somebody, tokens, values, bot_id=bot, open_id=person)
        over = Incident.objects.create(bot=first, cause="not_connected", began_at=now, closed_at=now)
        multiply(
            cursor, over, max(tokens // 10, 60), values, bot_id=bot, began_at=at, opened_at=at, closed_at=at
        )
        cursor.execute("VACUUM ANALYZE")
    return {
        "bot": first.pk,
        "token": token.pk,
        "session": session.pk,
        "event": events,
        "owned": list(Bot.objects.order_by("pk")[:OWNED]),
    }


def multiply(cursor: Any, row: "Model", times: int, values: dict[str, Any], **columns: str) -> None:
    """So many copies of a row, each with a key of its own and with other values in ``columns``, as SQL of the copy's number n."""
    from django.db.models import UUIDField  # noqa: PLC0415 -- after Django is set up

    table, key = row._meta.db_table, row._meta.pk
    own = {key.column: "gen_random_uuid()"} if isinstance(key, UUIDField) else {}
    names = [field.column for field in row._meta.concrete_fields if field is not key or own]
    sources = [(own | columns).get(name, f"source.{name}") for name in names]
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(sources)}"
        f" FROM {table} AS source, generate_series(1, {times}) AS n WHERE source.{key.column} = %(row)s",
        values | {"row": row.pk},
    )
