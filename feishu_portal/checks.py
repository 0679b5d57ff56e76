"""System checks: problems that should show at start and not at three in the morning.

A variable with a value that it cannot have is refused before, when ``environment`` reads it.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from core.checks import SETTINGS
from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError
from feishu_portal import catalogue

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@register(Tags.database)
def encryption_keys_open_the_database(
    *, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """E003: asked with ``check --database default``; every process asks the same when it starts."""
    if not databases:
        return []
    try:
        verify_keys()
    except SealedValueError as error:
        return [Error(str(error), hint="Put the old key behind the new one.", id="feishu_portal.E003")]
    return []


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


@register(deploy=True)
def production_has_its_servers(**_options: Any) -> Sequence[CheckMessage]:
    """W002, W003, W004: servers that one process does without and several need."""
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
                "PUBLIC_URL is not set: users cannot authorize in a browser.",
                hint="Set it to the address at which browsers reach the portal.",
                id="feishu_portal.W004",
            )
        )
    return problems
