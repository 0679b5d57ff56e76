"""Processes that hold connections, and an operator who sees them all."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from bots.enums import SlotState
from bots.models import Bot, FleetProcess
from core.access.models import User
from tests.console.rows import signed_in
from tests.factories import make_operator


def make_process(name: str = "app-1:100", **values) -> FleetProcess:
    return FleetProcess.objects.create(id=uuid4(), name=name, seen_at=timezone.now(), capacity=50, **values)


def hold(bot: Bot, process: FleetProcess, state: SlotState = SlotState.CONNECTED, **values) -> None:
    """Times may be given as distances from now."""
    now = timezone.now()
    times = {name: now + value for name, value in values.items() if isinstance(value, timedelta)}
    bot.slots.update(
        **{
            "state": state, "holder": process.pk, "node": process.name, "lease_until": now + timedelta(seconds=6),
            "state_changed_at": now, "last_frame_at": now, "last_heartbeat_at": now,
            "heartbeat_due_at": now + timedelta(minutes=2),
        }
        | values
        | times
    )  # fmt: skip


@pytest.fixture
def process() -> FleetProcess:
    return make_process()


@pytest.fixture
def root() -> User:
    return make_operator("chief", superuser=True)


@pytest.fixture
def client(root) -> Client:
    return signed_in(root)
