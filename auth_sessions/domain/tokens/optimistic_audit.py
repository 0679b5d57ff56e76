"""Recording calls that were admitted by rows read earlier (optimistic concurrency): one statement checks that the rows are
unchanged and records the calls whose rows are. For PostgreSQL, which numbers the versions of a row."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from core.access.models import ApiClient
from core.database.row_versions import version_in_sql


@dataclass(frozen=True, slots=True)
class AdmissionVersions:
    """The versions of the rows by which a call was admitted. Without ``grant`` the bot acts as itself."""

    client: tuple[int, str]
    bot: tuple[UUID, str]
    grant: tuple[UUID, str] | None
    is_only_grant: bool = False
    """The tenant was not named: the person must have no grant in another one."""


_COLUMNS = (
    "at", "bot_id", "client_id", "caller", "kind", "tenant_key", "open_id", "generation", "method", "path", "log_id",
    "reason",
)  # fmt: skip
_GIVEN = """
    number int, client_id bigint, client_version text, bot_version text, grant_id uuid, grant_version text,
    only_grant boolean, at timestamptz, bot_id uuid, caller text, kind text, tenant_key text, open_id text,
    generation bigint, method text, path text, log_id text, reason text
"""
_RECORD = f"""
    WITH held AS MATERIALIZED (
        SELECT given.*, nextval(pg_get_serial_sequence('{TokenUse._meta.db_table}', 'id')) AS id
        FROM jsonb_to_recordset(%s::jsonb) AS given({_GIVEN})
        JOIN {ApiClient._meta.db_table} client ON client.id = given.client_id AND {version_in_sql("client")} = client_version
        JOIN {Bot._meta.db_table} bot ON bot.id = given.bot_id AND {version_in_sql("bot")} = bot_version
        LEFT JOIN {UserToken._meta.db_table} person ON person.id = given.grant_id AND {version_in_sql("person")} = grant_version
        WHERE (given.grant_id IS NULL OR person.id IS NOT NULL)
        AND NOT (only_grant AND EXISTS (
            SELECT 1 FROM {UserToken._meta.db_table} other
            WHERE other.bot_id = given.bot_id AND other.open_id = given.open_id AND other.id <> given.grant_id
        ))
    ), written AS (
        INSERT INTO {TokenUse._meta.db_table} (id, {", ".join(_COLUMNS)})
        SELECT id, {", ".join(_COLUMNS)} FROM held
    )
    SELECT number, id FROM held
"""  # noqa: S608 -- names of tables and columns, nothing from outside


def record_calls_if_unchanged(calls: Sequence[tuple[TokenUse, AdmissionVersions]]) -> list[bool]:
    """For each call whether it was recorded, which gives it its id: it is not if a row has changed since it was read."""
    given = [_given(number, use, versions) for number, (use, versions) in enumerate(calls)]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [json.dumps(given)])
        written = dict(cursor.fetchall())
    for number, pk in written.items():
        calls[number][0].pk = pk
    return [number in written for number in range(len(calls))]


def _given(number: int, use: TokenUse, versions: AdmissionVersions) -> dict[str, object]:
    grant_id, grant_version = versions.grant or (None, "")
    return {
        "number": number,
        "client_id": versions.client[0],
        "client_version": versions.client[1],
        "bot_version": versions.bot[1],
        "grant_id": grant_id and str(grant_id),
        "grant_version": grant_version,
        "only_grant": versions.is_only_grant,
        "at": use.at.isoformat(),
        "bot_id": str(use.bot_id),
    } | {name: getattr(use, name) for name in _COLUMNS[2:]}
