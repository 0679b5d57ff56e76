import json
from datetime import timedelta

import httpx2
import pytest
from django.db.models import F
from django.utils import timezone

from core.access.actors import Actor
from feishu.errors import FeishuError
from feishu_portal.alerts.card_sync import CARDS
from feishu_portal.alerts.groups import acknowledge
from feishu_portal.alerts.models import AlertGroup
from feishu_portal.alerts.tasks import sweep
from feishu_portal.alerts.tasks import sync_card as sync_card_task
from tests.factories import PLATFORM
from tests.feishu_portal.alerts.messages import alert, fire, message, shown_cards

pytestmark = pytest.mark.django_db
LIN = Actor.user("ou_lin")


def refuse(route, code: int, status: int = 400) -> None:
    route.respond(status, json={"code": code, "msg": "no"})


def accept(route) -> None:
    route.respond(json={"code": 0, "msg": "ok", "data": {"message_id": "om_2", "chat_id": "oc_duty"}})


def failing(group_pk: int) -> FeishuError:
    with pytest.raises(FeishuError) as failure:
        CARDS.sync(group_pk)
    return failure.value


def test_card_is_sent_once_and_then_changed_in_place(receiver, platform) -> None:
    group = fire(receiver)
    CARDS.sync(group.pk)
    CARDS.sync(group.pk)
    [call] = platform.sends.calls
    assert call.request.url.params["receive_id_type"] == "chat_id"
    assert json.loads(call.request.content)["receive_id"] == "oc_duty"
    acknowledge(group, actor=LIN)
    fire(receiver, message(resolved=True))
    CARDS.sync(group.pk)
    assert len(platform.sends.calls) == 1
    [patched] = shown_cards(platform.patches)
    assert "Resolved" in patched["header"]["title"]["content"]
    group.refresh_from_db()
    assert (group.message_id, group.card_shows, group.messages) == ("om_1", group.version, 1)
    assert CARDS.due() == []


def test_change_that_comes_while_a_card_is_sent_is_shown_after_it(receiver, platform) -> None:
    group = fire(receiver)

    def change_meanwhile(_request: httpx2.Request) -> httpx2.Response:
        acknowledge(group, actor=LIN)
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_duty"}})

    platform.sends.mock(side_effect=change_meanwhile)
    CARDS.sync(group.pk)
    [patched] = shown_cards(platform.patches)
    assert "ou_lin" in json.dumps(patched)


def test_two_do_not_show_a_card_at_once(receiver, platform) -> None:
    group = fire(receiver)

    def meanwhile(_request: httpx2.Request) -> httpx2.Response:
        CARDS.sync(group.pk)
        assert CARDS.due() == []
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_duty"}})

    platform.sends.mock(side_effect=meanwhile)
    CARDS.sync(group.pk)
    assert len(platform.sends.calls) == 1


def test_claim_of_a_process_that_died_ends_and_its_card_is_shown_for_certain(receiver, platform) -> None:
    """Under the same key the platform takes the first of two cards, which may be older."""
    group = fire(receiver)
    past = timezone.now() - timedelta(seconds=1)
    AlertGroup.objects.update(card_claimed_until=past, card_attempts=1)
    assert CARDS.due() == [group.pk]
    CARDS.sync(group.pk)
    assert (len(platform.sends.calls), len(platform.patches.calls)) == (1, 1)


def test_attempts_to_send_one_card_have_one_key(receiver, platform) -> None:
    platform.sends.mock(side_effect=httpx2.ReadTimeout)
    group = fire(receiver)
    failing(group.pk)
    failing(group.pk)
    first, second = (json.loads(call.request.content)["uuid"] for call in platform.sends.calls)
    assert first == second


def test_failure_is_noted_and_tried_again_by_the_schedule(receiver, platform, monkeypatch) -> None:
    refuse(platform.sends, 230049)
    group = fire(receiver)
    assert failing(group.pk).code == 230049
    group.refresh_from_db()
    assert "230049" in group.card_error
    assert group.card_retry_at > timezone.now()
    assert CARDS.due() == []
    AlertGroup.objects.update(card_retry_at=timezone.now())
    notified: list[object] = []
    monkeypatch.setattr("feishu_portal.alerts.tasks.notify", lambda *call: notified.append(call))
    sweep()
    assert notified == [("alerts.sync_card", group.pk)]
    accept(platform.sends)
    sync_card_task(group.pk)
    group.refresh_from_db()
    assert (group.card_error, group.card_retry_at, group.message_id) == ("", None, "om_2")


def test_what_no_retry_helps_is_given_up_until_alertmanager_speaks_again(receiver, platform) -> None:
    refuse(platform.sends, 230002)
    group = fire(receiver)
    sync_card_task(group.pk)  # logs, and raises nothing
    group.refresh_from_db()
    assert group.card_given_up
    assert CARDS.due() == []
    fire(receiver)
    assert CARDS.due() == [group.pk]


def test_attempts_are_counted_up_to_a_bound(receiver, platform) -> None:
    refuse(platform.sends, 230049)
    group = fire(receiver)
    AlertGroup.objects.update(card_attempts=1000)
    failing(group.pk)
    assert AlertGroup.objects.get().card_attempts == 1000


def test_retries_end(receiver, platform) -> None:
    refuse(platform.sends, 230049)
    group = fire(receiver)
    AlertGroup.objects.update(card_attempts=CARDS.retries.max_attempts - 1)
    failing(group.pk)
    assert AlertGroup.objects.get().card_given_up


@pytest.mark.parametrize("code", [230031, 230011, 230110])
def test_card_that_is_gone_or_too_old_is_sent_again_while_it_fires(receiver, platform, code) -> None:
    group = fire(receiver)
    CARDS.sync(group.pk)
    refuse(platform.patches, code)
    accept(platform.sends)
    acknowledge(group, actor=LIN)
    CARDS.sync(group.pk)
    group.refresh_from_db()
    assert (group.message_id, group.messages) == ("om_2", 2)
    keys = {json.loads(call.request.content)["uuid"] for call in platform.sends.calls}
    assert len(keys) == 2


def test_card_that_is_gone_stays_gone_when_it_is_over(receiver, platform) -> None:
    group = fire(receiver)
    CARDS.sync(group.pk)
    refuse(platform.patches, 230031)
    fire(receiver, message(resolved=True))
    CARDS.sync(group.pk)
    assert len(platform.sends.calls) == 1
    assert CARDS.due() == []


def test_card_of_a_replaced_group_leads_to_the_newer_one(receiver, platform) -> None:
    old = fire(receiver)
    CARDS.sync(old.pk)
    fire(receiver, message(alert(starts_at="2026-11-29T10:00:00Z")))
    CARDS.sync(old.pk)
    assert "newer card" in shown_cards(platform.patches)[0]["header"]["title"]["content"]


def test_bot_that_is_switched_off_shows_nothing(receiver, platform) -> None:
    group = fire(receiver)
    type(receiver.bot).objects.update(enabled=False)
    CARDS.sync(group.pk)
    assert not platform.sends.called
    assert CARDS.due() == []


def test_without_a_token_of_the_bot_it_is_tried_again(receiver, platform) -> None:
    token = f"{PLATFORM}/open-apis/auth/v3/tenant_access_token/internal"
    platform.post(token).mock(side_effect=httpx2.ConnectError)
    group = fire(receiver)
    failing(group.pk)
    assert AlertGroup.objects.get().card_retry_at is not None


def test_cards_that_are_due_longest_come_first(receiver) -> None:
    now = timezone.now()
    groups = [fire(receiver, message(groupKey=f"{number}")) for number in range(3)]
    for group, ago in zip(groups, (1, 3, 2), strict=True):
        AlertGroup.objects.filter(pk=group.pk).update(card_retry_at=now - timedelta(minutes=ago))
    assert CARDS.due() == [groups[1].pk, groups[2].pk, groups[0].pk]
    AlertGroup.objects.update(card_shows=F("version"))
    assert CARDS.due() == []
