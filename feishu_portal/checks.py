"""System checks: problems that should show at start and not at three in the morning.

A variable with a value that it cannot have is refused before, when ``environment`` reads it.
"""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.checks import Error as CheckError
from django.db import Error, connection
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from core.checks import SETTINGS
from core.database import poolers
from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from feishu_portal import catalogue, data_folder
from feishu_portal.settings_table import SettingsTable

OTHER_VARIABLES: Final = {"FEISHU_APP_SECRET", "PORTAL_PROCESS"}
"""Read by commands, and set by those who start a process."""
SIMILAR: Final = 0.9
"""Of 1, from where on one name is taken for another one misspelt."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@register(Tags.database)
def encryption_keys_open_the_database(
    *, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """E003, E005: asked with ``check --database default``; every process asks for the keys when it starts."""
    if not databases:
        return []
    try:
        connection.ensure_connection()
        verify_keys()
    except Error as error:
        reason = redact_text(str(error).strip())
        hint = "Is the server there, and are host, port, user and password in DATABASE_URL right?"
        return [CheckError(f"The database does not answer: {reason}", hint=hint, id="feishu_portal.E005")]
    except SealedValueError as error:
        return [CheckError(str(error), hint="Put the old key behind the new one.", id="feishu_portal.E003")]
    return []


@register(Tags.database)
def nothing_between_portal_and_database_is_unsaid(
    *, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """E009: asked with ``check --database default``; every process asks at its first connection."""
    if not databases:
        return []
    try:
        found = poolers.problem()
    except Error as error:
        found = poolers.problem_of(error)
    return [CheckError(found.en_us, hint=found.zh_cn, id="feishu_portal.E009")] if found else []


@register(Tags.database)
def database_has_connections_for_every_process(
    *, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """W012: asked with ``check --database default``. A database that is away is what E005 says."""
    if not databases or connection.vendor != "postgresql":
        return []
    from feishu_portal.database_connections import (  # noqa: PLC0415 -- its driver is nothing for SQLite
        allowance,
        most_of_all,
        running_processes,
    )

    try:
        allowed = allowance()
        needed = most_of_all(running_processes()) if allowed else 0
    except Error:
        return []
    if allowed is None or needed <= allowed.count:
        return []
    return [
        Warning(
            f"The portal's processes may open {needed} connections at once, and the database has {allowed.count} for them.",
            hint=f"Raise {allowed.setting}, or lower FEISHU_WEB_DATABASE_CONNECTIONS, FEISHU_CALLBACK_THREADS or "
            "FEISHU_WORKER_DATABASE_CONNECTIONS: docs/operations/postgresql.md has the sum.",
            id="feishu_portal.W012",
        )
    ]


@register(SETTINGS)
def public_url_is_encrypted(**_options: Any) -> list[CheckMessage]:
    """W001: the redirect URI is made of it."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme != "http" or parts.hostname in LOOPBACK or settings.DEBUG:
        return []
    return [
        Warning(
            "PUBLIC_URL is plain http: authorization codes would cross the network readable.",
            hint="Put a TLS proxy in front and use https://.",
            id="feishu_portal.W001",
        )
    ]


@register(SETTINGS)
def portal_answers_at_its_public_url(**_options: Any) -> list[CheckMessage]:
    """E004, W006: lists that were set by hand and left it out."""
    problems: list[CheckMessage] = []
    parts = urlsplit(settings.PUBLIC_URL)
    host, _port = split_domain_port(parts.netloc)
    if host and not validate_host(host, settings.ALLOWED_HOSTS):
        problems.append(
            CheckError(
                "ALLOWED_HOSTS does not have the host of PUBLIC_URL: every page would be answered 400.",
                hint=f"Add {host} to ALLOWED_HOSTS, or leave that unset.",
                id="feishu_portal.E004",
            )
        )
    patterns = [urlsplit(origin) for origin in settings.CSRF_TRUSTED_ORIGINS]
    if host and not any(
        (one.scheme, True) == (parts.scheme, is_same_domain(parts.netloc, one.netloc.removeprefix("*")))
        for one in patterns
    ):
        problems.append(
            Warning(
                "CSRF_TRUSTED_ORIGINS does not have the origin of PUBLIC_URL: forms sent from there may be refused.",
                hint=f"Add {settings.PUBLIC_URL} to CSRF_TRUSTED_ORIGINS, or leave that unset.",
                id="feishu_portal.W006",
            )
        )
    return problems


@register(SETTINGS)
def variables_are_known(**_options: Any) -> list[CheckMessage]:
    """W007: names that are close to a variable of the portal's, and anything that begins with FEISHU_."""
    known = {variable.name for variable in SettingsTable.variables()} | OTHER_VARIABLES
    known |= {f"{name}_FILE" for name in known}
    problems: list[CheckMessage] = []
    for name in sorted(set(os.environ) - known):
        [near] = get_close_matches(name, known, n=1, cutoff=SIMILAR) or [""]
        if near or name.startswith("FEISHU_"):
            problems.append(
                Warning(
                    f"{name} is set, and is no variable of the portal's.",
                    hint=f"Is {near} meant?" if near else "docs/reference/settings.md lists the variables.",
                    id="feishu_portal.W007",
                )
            )
    return problems


@register(SETTINGS)
def translations_are_compiled(**_options: Any) -> list[CheckMessage]:
    """W005: without the catalogue, or with an old one, text that is missing in it is shown in English."""
    if catalogue.is_compiled():
        return []
    return [
        Warning(
            "The Chinese translations are not compiled, or older than their source.",
            hint="Run: python -m feishu_portal.catalogue",
            id="feishu_portal.W005",
        )
    ]


@register(SETTINGS)
def data_folder_is_the_process_own(**_options: Any) -> list[CheckMessage]:
    """E010: made by root perhaps, before the service had a user of its own."""
    if data_folder.is_writable(settings.DATA_DIR):
        return []
    return [
        CheckError(
            f"DATA_DIR, {settings.DATA_DIR}, is not writable for this process.",
            hint="Give it to the user of the service (chown -R USER), and run every command as that user.",
            id="feishu_portal.E010",
        )
    ]


@register(deploy=True)
def data_folder_keeps_what_it_is_given(**_options: Any) -> list[CheckMessage]:
    """W010: others may look into it. W011: it ends with the container, and nothing else has what it holds."""
    problems: list[CheckMessage] = []
    if data_folder.is_open_to_others(settings.DATA_DIR):
        problems.append(
            Warning(
                f"DATA_DIR, {settings.DATA_DIR}, is open to every user of this machine.",
                hint="chmod o-rwx",
                id="feishu_portal.W010",
            )
        )
    is_sqlite = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    kind = data_folder.fleeting_file_system(settings.DATA_DIR)
    if kind and (is_sqlite or not settings.REDIS_URL):
        held = (
            "the database"
            if is_sqlite
            else "answers with refresh tokens that work once, while the database is away"
        )
        problems.append(
            Warning(
                f"DATA_DIR, {settings.DATA_DIR}, is on {kind}: it ends with the container or the machine. It holds {held}.",
                hint="Mount a volume there. See docs/operations/data-dir.md.",
                id="feishu_portal.W011",
            )
        )
    return problems


@register(deploy=True)
def production_has_its_servers(**_options: Any) -> Sequence[CheckMessage]:
    """W002, W003, W004, W008: servers that one process does without and several need. W009: a host that is not looked at."""
    problems: list[CheckMessage] = []
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        problems.append(
            Warning(
                "The database is SQLite.",
                hint="Set DATABASE_URL to a PostgreSQL database when more than one process runs.",
                id="feishu_portal.W002",
            )
        )
    if not settings.REDIS_URL:
        problems.append(
            Warning(
                "REDIS_URL is not set: workers in other processes will not hear of new work.",
                hint="Set REDIS_URL, or run everything with manage.py runportal.",
                id="feishu_portal.W003",
            )
        )
    if not settings.PUBLIC_URL:
        problems.append(
            Warning(
                "PUBLIC_URL is not set: users authorize by device code, and no webhook reaches the portal.",
                hint="Set it to the address at which browsers reach the portal. Without it, but behind a proxy that ends TLS, "
                "the console needs CSRF_TRUSTED_ORIGINS.",
                id="feishu_portal.W004",
            )
        )
    if not settings.EMAIL_IS_SET_UP:
        problems.append(
            Warning(
                "EMAIL_URL is not set: no e-mail says when a bot or an authorization needs a person.",
                hint="Set it to a mail server, or see to it that every operator has a Feishu account entered.",
                id="feishu_portal.W008",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        problems.append(
            Warning(
                "ALLOWED_HOSTS is *: the portal answers under any name, that of an attacker included.",
                hint="List the host names of the portal.",
                id="feishu_portal.W009",
            )
        )
    return problems
