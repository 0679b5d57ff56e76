from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.access.actors import Actor
from core.access.models import AuditEntry
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.groups import acknowledge, drop_unshown, note_silence, take
from feishu_portal.alerts.models import AlertGroup
from tests.factories import make_operator
from tests.feishu_portal.alerts.messages import alert, fire, make_receiver, message, read

pytestmark = pytest.mark.django_db
LIN = Actor.user("ou_lin")
LATER = "2026-11-29T10:00:00Z"


def states(receiver) -> list[str]:
    return list(receiver.groups.order_by("pk").values_list("state", flat=True))


def test_a_group_that_fires_is_one_row_however_often_it_is_repeated(receiver) -> None:
    first, again = fire(receiver), fire(receiver)
    assert (again.pk, again.version, again.title, again.firing) == (first.pk, 1, "NobodyWorks", 1)
    assert again.heard_at > first.heard_at


def test_another_alert_in_the_group_is_another_version(receiver) -> None:
    fire(receiver)
    both = message(alert(), alert(labels={"alertname": "NobodyWorks", "instance": "b"}))
    group = fire(receiver, both)
    assert (group.version, group.firing, len(group.content["alerts"])) == (2, 2, 2)


@pytest.mark.django_db(transaction=True)
def test_two_alertmanagers_that_speak_at_once_make_one_group(receiver) -> None:
    def speak(_number: int) -> int:
        try:
            return fire(receiver).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(speak, range(8)))) == 1
    assert receiver.groups.count() == 1


def test_groups_of_different_keys_and_receivers_are_apart(receiver) -> None:
    other = make_receiver(bot=receiver.bot)
    groups = [fire(receiver), fire(receiver, message(groupKey="{}:{}")), fire(other)]
    assert len({group.pk for group in groups}) == 3


def test_resolved_group_is_over_and_its_end_is_taken_once(receiver) -> None:
    group = fire(receiver)
    over = fire(receiver, message(resolved=True))
    assert (over.pk, over.state, over.firing, over.version) == (group.pk, GroupState.RESOLVED, 0, 2)
    assert over.closed_at is not None
    assert take(read(message(resolved=True)), receiver=receiver) is None


def test_end_of_what_was_never_shown_is_no_card(receiver) -> None:
    assert take(read(message(resolved=True)), receiver=receiver) is None
    assert not AlertGroup.objects.exists()


def test_group_that_fires_again_gets_a_new_card(receiver) -> None:
    fire(receiver)
    fire(receiver, message(resolved=True))
    fire(receiver, message(alert(starts_at=LATER)))
    assert states(receiver) == ["resolved", "firing"]


def test_group_whose_alerts_are_all_new_ones_fires_again_though_nobody_said_it_was_over(
    receiver, no_broker
) -> None:
    """While it is silenced, Alertmanager does not say that it is resolved."""
    fire(receiver)
    AlertGroup.objects.update(message_id="om_1")
    fire(receiver, message(alert(starts_at=LATER)))
    assert states(receiver) == ["replaced", "firing"]


def test_alerts_that_were_left_out_do_not_make_a_group_fire_again(receiver) -> None:
    fire(receiver, message(truncatedAlerts=9))
    fire(receiver, message(alert(labels={"alertname": "Another"}), truncatedAlerts=9))
    fire(receiver, message(alert(resolved=True), status="firing"))
    assert states(receiver) == ["firing"]


def test_group_that_still_fires_when_its_silence_ends_gets_a_new_card(receiver) -> None:
    group = fire(receiver)
    acknowledge(group, actor=LIN)
    note_silence(group, silence_id="s1", until=timezone.now() + timedelta(hours=1), actor=LIN)
    assert fire(receiver).pk == group.pk
    AlertGroup.objects.update(silenced_until=timezone.now() - timedelta(seconds=1))
    fresh = fire(receiver)
    assert states(receiver) == ["replaced", "firing"]
    assert fresh.acknowledged_at is None


def test_the_first_who_acknowledges_stands_on_the_card(
    receiver, no_broker, django_capture_on_commit_callbacks
) -> None:
    group = fire(receiver)
    operator = make_operator("wang")
    with django_capture_on_commit_callbacks(execute=True):
        assert acknowledge(group, actor=LIN)
    assert not acknowledge(group, actor=Actor.operator(operator))
    assert (group.acknowledged_by, group.version) == ("user:ou_lin", 2)
    assert no_broker == [("alerts.sync_card", group.pk)]
    entry = AuditEntry.objects.get(target="NobodyWorks")
    assert (entry.action, entry.actor, entry.bot_id) == (
        "alert_group.acknowledged",
        "user:ou_lin",
        receiver.bot_id,
    )
    assert fire(receiver).acknowledged_by == "user:ou_lin"  # a repetition leaves it


def test_what_is_over_is_not_acknowledged(receiver) -> None:
    fire(receiver)
    over = fire(receiver, message(resolved=True))
    assert not acknowledge(over, actor=LIN)
    assert not AuditEntry.objects.filter(target="NobodyWorks").exists()


def test_silence_is_written_down_with_who_set_it(receiver) -> None:
    group = fire(receiver)
    until = timezone.now() + timedelta(hours=4)
    note_silence(group, silence_id="s1", until=until, actor=LIN)
    assert (group.silenced_until, group.silenced_by, group.version) == (until, "user:ou_lin", 2)
    assert AuditEntry.objects.get(target="NobodyWorks").detail["silence"] == "s1"


def test_receiver_that_was_removed_just_now_takes_nothing(receiver) -> None:
    type(receiver).objects.all().delete()
    assert take(read(message()), receiver=receiver) is None


def test_adopted_database_shows_no_card_that_was_due(receiver) -> None:
    fire(receiver)
    assert drop_unshown() == 1
    assert not AlertGroup.objects.card_out_of_date().exists()
