"""A deleted bot's own history goes in batches; what other apps keep of it has tests there."""

import pytest
from django.utils import timezone

from bots import removal
from bots.enums import LossReason, SendingKind
from bots.models import Bot, ConnectionLoss, Incident, Person, Sending
from bots.people.directory import remember
from bots.removal import is_any_deleted, remove, remove_deleted_bots, remove_history
from bots.service import delete_bot
from core.access.actors import SYSTEM
from core.database import batches
from feishu.people import Profile
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def add_history(bot: Bot) -> None:
    now = timezone.now()
    for _ in range(3):
        Sending.objects.create(bot=bot, kind=SendingKind.MESSAGE, target="ou_1", msg_type="text")
        ConnectionLoss.objects.create(bot=bot, number=1, at=now, reason=LossReason.NETWORK)
    Incident.objects.create(bot=bot, cause="foreign", began_at=now)
    remember(bot, [Profile("ou_1", name="Li")])


def count() -> int:
    return sum(model.objects.count() for model in (Sending, ConnectionLoss, Incident, Person))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batches.delete_in_batches.__kwdefaults__, "size", 2)


def test_history_goes_batch_by_batch_and_that_of_others_stays(small_batches):
    bot, other = make_bot(), make_bot()
    add_history(bot)
    add_history(other)
    assert [remove_history(bot) for _ in range(3)] == [False, False, True]
    assert count() == 8


def test_sweep_goes_on_where_the_deletion_had_no_time_left(
    small_batches, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(removal, "_steps", [remove_history])
    monkeypatch.setitem(remove.__kwdefaults__, "seconds", 0)
    bot = make_bot()
    add_history(bot)
    with django_capture_on_commit_callbacks(execute=True):
        delete_bot(bot, actor=SYSTEM)
    assert not Bot.objects.exists()
    assert count() == 8
    assert is_any_deleted()
    remove_deleted_bots()
    assert count() == 0
    assert not Bot.with_deleted.exists()
    assert not is_any_deleted()
