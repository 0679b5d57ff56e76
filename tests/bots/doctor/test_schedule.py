from datetime import timedelta

import pytest
from django.utils import timezone

from bots.doctor import schedule
from bots.models import Bot, Checkup
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def later(**values: int) -> None:
    """Let all claims and pauses be over by that much."""
    for name in ("next_check_at", "asked_at", "checked_at", "observed_at"):
        for checkup in Checkup.objects.exclude(**{name: None}):
            Checkup.objects.filter(pk=checkup.pk).update(
                **{name: getattr(checkup, name) - timedelta(**values)}
            )


def test_a_saved_bot_is_examined_by_the_worker_that_is_notified(
    monkeypatch, django_capture_on_commit_callbacks
):
    notified: list[tuple[object, ...]] = []
    monkeypatch.setattr(schedule, "notify", lambda *message: notified.append(message))
    with django_capture_on_commit_callbacks(execute=True):
        bot = make_bot()
    assert notified == [("bots.examine", str(bot.pk))]
    assert schedule.due_bots() == []


def test_a_bot_whose_worker_died_is_due_again_and_given_to_one(db):
    bot = make_bot()
    later(minutes=4)
    assert schedule.due_bots() == [bot.pk]
    assert schedule.due_bots() == []


def test_a_sweep_takes_a_bounded_number_of_bots_and_no_disabled_one(monkeypatch):
    monkeypatch.setattr(schedule, "MAX_BOTS", 2)
    bots = [make_bot() for _number in range(3)]
    make_bot(enabled=False)
    later(minutes=4)
    first, second = schedule.due_bots(), schedule.due_bots()
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == {bot.pk for bot in bots}


def test_a_bot_without_a_row_gets_one_and_its_turn_within_the_hour():
    bot = make_bot()
    Checkup.objects.all().delete()
    schedule.due_bots()
    checkup = Checkup.objects.get(bot=bot)
    assert timezone.now() - timedelta(minutes=1) < checkup.next_check_at < timezone.now() + schedule.FIRST


def test_asking_again_is_paced():
    bot = make_bot()
    Checkup.objects.all().delete()
    assert schedule.claim_again(bot)
    assert not schedule.claim_again(bot)
    later(seconds=11)
    assert schedule.claim_again(bot)


def test_each_bot_is_observed_in_turn(monkeypatch):
    monkeypatch.setattr(schedule, "MAX_BOTS", 1)
    first, second = make_bot(), make_bot()
    make_bot(enabled=False)
    Bot.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert schedule.due_for_observation() == []  # nothing was found yet that could be compared
    Checkup.objects.update(checked_at=timezone.now())
    taken = [*schedule.due_for_observation(), *schedule.due_for_observation()]
    assert set(taken) == {first.pk, second.pk}
    assert schedule.due_for_observation() == []
    later(minutes=2)
    assert len(schedule.due_for_observation()) == 1


def test_a_bot_that_was_just_added_is_observed_by_every_sweep():
    new, old = make_bot(), make_bot()
    Bot.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1))
    Checkup.objects.update(checked_at=timezone.now())
    assert set(schedule.due_for_observation()) == {new.pk, old.pk}
    assert schedule.due_for_observation() == [new.pk]


def test_the_next_look_is_about_a_day_away():
    away = schedule.next_look(is_reached=True) - timezone.now()
    assert timedelta(hours=21) < away < timedelta(hours=27)
    assert schedule.next_look(is_reached=False) - timezone.now() < timedelta(hours=2)


def test_a_bot_that_was_just_examined_is_not_examined_soon():
    bot = make_bot()
    Checkup.objects.filter(bot=bot).update(
        checked_at=timezone.now(), next_check_at=timezone.now() + timedelta(hours=9)
    )
    schedule.examine_soon(bot)
    assert Checkup.objects.get(bot=bot).next_check_at > timezone.now() + timedelta(hours=8)
    later(hours=2)
    schedule.examine_soon(Bot.objects.get(pk=bot.pk))
    assert Checkup.objects.get(bot=bot).next_check_at <= timezone.now()
