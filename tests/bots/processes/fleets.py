"""Processes that were heard of some time ago."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from bots.enums import ProcessKind
from bots.models import FleetProcess
from feishu_portal.runtime.process import ROLES


def heard(kind: ProcessKind, *, seconds_ago: float = 0, **values: Any) -> FleetProcess:
    roles = [role.value for role in ROLES[kind]]
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    return FleetProcess.objects.create(
        **{"kind": kind, "name": f"{kind}:1", "roles": roles, "version": "1", "seen_at": seen_at} | values
    )
