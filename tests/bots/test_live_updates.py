from uuid import uuid4

import pytest
from django.db import transaction

from bots import live_updates
from core.console.live import ANYTHING

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch) -> list[tuple[object, ...]]:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(live_updates, "changed", lambda topic, keys=ANYTHING: calls.append((topic, keys)))
    return calls


def test_pages_are_told_when_the_change_is_committed(told):
    bot_id = uuid4()
    with transaction.atomic():
        live_updates.bots_changed([bot_id])
        live_updates.slots_changed([1, 2])
        live_updates.slots_changed()
        live_updates.processes_changed()
        assert told == []

    assert told == [("bots", [bot_id]), ("slots", [1, 2]), ("slots", ANYTHING), ("processes", ANYTHING)]


def test_nobody_is_told_of_what_was_undone(told):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        live_updates.bots_changed([uuid4()])
        1 / 0  # noqa: B018 -- something goes wrong
    assert told == []
