"""The Idempotency-Key of a request that sends a message: how often it may be repeated, and what was sent then."""

from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from bots.enums import SendingKind, SendingState
from bots.models import Sending
from bots.sending import service
from bots.sending.content import Outgoing
from core.access.actors import Actor
from core.access.models import ApiClient
from core.access.scopes import Scope
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client
from tests.feishu_portal.api.messages import CARD, SENT, age, post, sent_json, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def client():
    return api_client(Scope.MESSAGES_SEND)


def test_repetition_is_answered_alike_and_sends_nothing(client, bot, platform):
    first, again = text(client, bot, key="order-1"), text(client, bot, key="order-1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert platform.sends.call_count == 1


def test_same_content_in_other_words_is_the_same_request(client, bot, platform):
    text(client, bot, key="k")
    again = post(client, bot, key="k", receive_id="ou_1", msg_type="text", content='{ "text" : "hello" }')
    assert again["Idempotency-Replayed"] == "true"


def test_other_request_under_the_same_key_is_refused(client, bot, platform):
    text(client, bot, key="order-1")
    response = text(client, bot, "something else", key="order-1")
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert platform.sends.call_count == 1


def test_keys_of_other_clients_and_bots_are_their_own(client, bot, platform):
    text(client, bot, key="order-1")
    text(api_client(Scope.MESSAGES_SEND), bot, key="order-1")
    text(client, make_bot(), key="order-1")
    assert len({sent_json(platform.sends, index)["uuid"] for index in range(3)}) == 3


def test_key_belongs_to_the_client_also_when_it_is_renamed_and_its_name_given_to_another(
    client, bot, platform
):
    text(client, bot, key="order-1")
    ApiClient.objects.update(name="renamed")
    assert text(client, bot, key="order-1")["Idempotency-Replayed"] == "true"
    heir = api_client(Scope.MESSAGES_SEND)
    ApiClient.objects.exclude(name="renamed").update(name="system 0")
    assert "Idempotency-Replayed" not in text(heir, bot, key="order-1")
    assert platform.sends.call_count == 2


def test_without_a_key_each_request_sends(client, bot, platform):
    text(client, bot)
    text(client, bot)
    assert platform.sends.call_count == 2
    assert "uuid" not in sent_json(platform.sends)


def test_key_is_forgotten_after_a_day(client, bot, platform):
    text(client, bot, key="order-1")
    age(at=timezone.now() - timedelta(hours=25))
    assert "Idempotency-Replayed" not in text(client, bot, "another day", key="order-1")
    assert platform.sends.call_count == 2
    assert Sending.objects.exclude(key_hash=None).count() == 1


def test_request_under_way_is_not_sent_a_second_time(client, bot, platform):
    text(client, bot, key="order-1")
    age(state=SendingState.SENDING)
    response = text(client, bot, key="order-1")
    assert (response.status_code, response.json()["code"]) == (409, "request_in_progress")
    assert 1 <= int(response["Retry-After"]) <= 5
    assert platform.sends.call_count == 1


def test_crash_between_sending_and_writing_down_repeats_under_the_same_uuid(
    client, bot, platform, monkeypatch
):
    monkeypatch.setattr(service, "_end_sent", lambda *_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        service.send(
            bot=bot,
            outgoing=Outgoing(
                kind=SendingKind.MESSAGE, target="ou_1", receive_id_type="open_id", msg_type="text",
                content={"text": "hello"},
            ),
            actor=Actor.api(ApiClient.objects.get()),
            key="order-1",
        )  # fmt: skip
    monkeypatch.undo()
    assert text(client, bot, key="order-1").status_code == 409
    age(attempted_at=timezone.now() - timedelta(seconds=service.ATTEMPT_SECONDS))
    assert text(client, bot, key="order-1").status_code == 201
    first, second = (sent_json(platform.sends, index)["uuid"] for index in (0, 1))
    assert first == second
    assert Sending.objects.get().state == SendingState.SENT


def test_what_may_have_been_sent_long_ago_is_not_sent_again(client, bot, platform):
    platform.sends.side_effect = httpx2.ReadTimeout
    assert text(client, bot, key="order-1").status_code == 504
    age(attempted_at=timezone.now() - timedelta(hours=1))
    platform.sends.side_effect = None
    response = text(client, bot, key="order-1")
    assert (response.status_code, response.json()["code"]) == (409, "outcome_unknown")
    assert platform.sends.call_count == 1


def test_doubt_outlives_a_later_refusal(client, bot, platform):
    platform.sends.side_effect = httpx2.ReadTimeout
    text(client, bot, key="order-1")
    platform.sends.side_effect = None
    platform.sends.respond(429, json={"code": 99991400, "msg": "slow"})
    assert text(client, bot, key="order-1").status_code == 429
    age(doubtful_since=timezone.now() - timedelta(hours=1))
    assert text(client, bot, key="order-1").json()["code"] == "outcome_unknown"


def test_card_may_be_updated_again_whenever(client, bot, platform):
    platform.patches.side_effect = httpx2.ReadTimeout
    address, key = f"/api/v1/bots/{bot.app_id}/messages/om_9", {"Idempotency-Key": "k"}
    assert client.patch(address, {"content": CARD}, "application/json", headers=key).status_code == 504
    age(attempted_at=timezone.now() - timedelta(hours=2))
    platform.patches.side_effect = None
    assert client.patch(address, {"content": CARD}, "application/json", headers=key).status_code == 200


def test_refused_request_may_be_tried_again(client, bot, platform):
    platform.sends.respond(400, json={"code": 230002, "msg": "Bot can NOT be out of the chat."})
    assert text(client, bot, key="order-1").status_code == 424
    platform.sends.respond(json=SENT)
    assert text(client, bot, key="order-1").status_code == 201
