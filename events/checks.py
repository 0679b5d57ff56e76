"""System checks: handlers that would fail when the first event comes."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.db import connection

from core.checks import SETTINGS
from events.handling.registry import LOCK_SECONDS, known_handlers


@register(SETTINGS)
def atomic_handlers_are_short_on_sqlite(**_options: Any) -> list[CheckMessage]:
    """W001: they would be given up on before the time that their authors named."""
    if connection.vendor != "sqlite":
        return []
    return [
        Warning(
            f"{handler.name} asks for {handler.timeout:g} s in a transaction; on SQLite it gets {LOCK_SECONDS:g} s.",
            hint="A transaction that has written keeps every other writer waiting. Register the handler with "
            "atomic=False, or use PostgreSQL.",
            id="events.W001",
        )
        for handler in known_handlers()
        if handler.atomic and handler.timeout is not None and handler.timeout > LOCK_SECONDS
    ]


@register(SETTINGS)
def settings_of_handlers_exist(**_options: Any) -> list[CheckMessage]:
    """W002: a handler whose setting does not exist is off, which may not be what was meant."""
    return [
        Warning(
            f"{handler.name}, registered at {handler.place}, is off: there is no setting {handler.enabled}.",
            hint=f"Switch it on with FEISHU_HANDLER_SWITCHES={handler.enabled} or off with {handler.enabled}=off there, or "
            "correct enabled= of the handler.",
            id="events.W002",
        )
        for handler in known_handlers()
        if isinstance(handler.enabled, str) and not hasattr(settings, handler.enabled)
    ]
