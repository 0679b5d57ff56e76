"""What the sweep asks others for; the rest of it has tests where its functions are."""

import pytest
from django.utils import timezone

from bots.models import Bot
from bots.tasks import sweep
from tests.factories import make_bot


@pytest.fixture
def notified(monkeypatch) -> list[str]:
    """The names of tasks that were asked for."""
    notified: list[str] = []
    monkeypatch.setattr("bots.tasks.notify", lambda task, *_arguments: notified.append(task))
    return notified


@pytest.mark.django_db
def test_sweep_has_deleted_bots_removed_for_as_long_as_one_is_there(notified):
    sweep()
    assert notified == []
    bot = make_bot()
    Bot.with_deleted.filter(pk=bot.pk).update(deleted_at=timezone.now())
    sweep()
    assert notified == ["bots.remove_deleted"]
