import json
from datetime import timedelta

import httpx2
import pytest
from django.utils import timezone

from bots.enums import MailingState, RecipientState, SendingState
from bots.errors import (
    BotDisabledError,
    KeyReusedError,
    MailingStateError,
    TooManyBatchesError,
)
from bots.mailings import service, walk
from bots.mailings.recipients import Named
from bots.mailings.service import cancel, retry
from bots.models import BatchRecipient, Bot, MessageBatch, Sending
from bots.sending import batches
from bots.sending.batches import BATCHES, Created, create_batch
from core.access.actors import Actor
from core.access.models import ApiClient, AuditEntry
from core.background.pace import Pace
from tests.factories import make_bot, make_client
from tests.feishu_portal.api.messages import message_platform

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(walk, "PACE", Pace(rate=10_000))
    monkeypatch.setattr(walk, "notify", lambda *_message: None)
    monkeypatch.setattr(service, "notify", lambda *_message: None)


@pytest.fixture
def platform():
    with message_platform() as platform:
        yield platform


@pytest.fixture
def bot() -> Bot:
    return make_bot()


@pytest.fixture
def client() -> ApiClient:
    return make_client("crm")


def begun(bot: Bot, client: ApiClient, *lines: str, key: str = "", said: str = "hello") -> Created:
    named = [Named.by_look(line) for line in lines]
    return create_batch(
        bot=bot, named=named, msg_type="text", content={"text": said}, actor=Actor.api(client), key=key
    )


def walked(batch: MessageBatch) -> MessageBatch:
    MessageBatch.objects.update(next_step_at=timezone.now())
    walk.advance(BATCHES, batch.pk)
    batch.refresh_from_db()
    return batch


def states() -> dict[str, str]:
    return dict(BatchRecipient.objects.values_list("given", "state"))


def test_everybody_gets_the_message_once_and_it_is_written_down(
    bot: Bot, client: ApiClient, platform
) -> None:
    batch = walked(begun(bot, client, "ou_1", "oc_1").batch)
    assert (batch.state, batch.counts) == (MailingState.DONE, {"sent": 2})
    kinds = [call.request.url.params["receive_id_type"] for call in platform.sends.calls]
    assert kinds == ["open_id", "chat_id"]
    bodies = [json.loads(call.request.content) for call in platform.sends.calls]
    assert len({body["uuid"] for body in bodies}) == 2
    row = BatchRecipient.objects.get(target="ou_1")
    assert (row.message_id, row.chat_id) == ("om_1", "oc_1")
    assert set(Sending.objects.values_list("actor", "client", "state")) == {
        ("api:crm", client.pk, SendingState.SENT)
    }
    assert AuditEntry.objects.get(action="message_batch.created").detail["recipients"] == 2


def test_recipient_who_is_sent_to_twice_by_two_workers_gets_one(
    bot: Bot, client: ApiClient, platform
) -> None:
    batch = begun(bot, client, "ou_1").batch
    row = BatchRecipient.objects.get()
    assert BATCHES.send(batch, row) == BATCHES.send(batch, row)
    assert platform.sends.call_count == 1


def test_same_key_begins_one_batch_and_another_request_under_it_none(bot: Bot, client: ApiClient) -> None:
    first = begun(bot, client, "ou_1", "ou_2", key="k")
    again = begun(bot, client, "ou_2", "ou_1", key="k")
    assert (again.batch, first.is_repeated, again.is_repeated) == (first.batch, False, True)
    with pytest.raises(KeyReusedError):
        begun(bot, client, "ou_1", key="k")
    assert not begun(bot, make_client("other"), "ou_1", key="k").is_repeated
    MessageBatch.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert not begun(bot, client, "ou_1", key="k").is_repeated


def test_client_has_so_many_under_way_and_others_their_own(
    bot: Bot, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_UNDER_WAY", 1)
    begun(bot, client, "ou_1")
    with pytest.raises(TooManyBatchesError):
        begun(bot, client, "ou_1")
    begun(bot, make_client("other"), "ou_1")


def test_bot_that_is_off_begins_nothing(bot: Bot, client: ApiClient) -> None:
    bot.enabled = False
    with pytest.raises(BotDisabledError):
        begun(bot, client, "ou_1")
    assert not MessageBatch.objects.exists()


def test_refused_recipients_are_tried_again_and_nobody_else(bot: Bot, client: ApiClient, platform) -> None:
    refused = httpx2.Response(400, json={"code": 230013, "msg": "not available"})
    sent = platform.sends.return_value
    platform.sends.side_effect = [refused, sent, sent]
    batch = begun(bot, client, "ou_1", "ou_2").batch
    with pytest.raises(MailingStateError):
        retry(BATCHES, batch, actor=Actor.api(client))
    walked(batch)
    assert states() == {"ou_1": RecipientState.FAILED, "ou_2": RecipientState.SENT}
    assert BatchRecipient.objects.get(target="ou_1").code == 230013
    assert retry(BATCHES, batch, actor=Actor.api(client)) == 1
    assert walked(batch).counts == {"sent": 2}
    assert platform.sends.call_count == 3
    assert retry(BATCHES, batch, actor=Actor.api(client)) == 0


def test_outcome_that_nobody_knows_is_never_sent_again(bot: Bot, client: ApiClient, platform) -> None:
    platform.sends.side_effect = httpx2.ReadTimeout("gone")
    batch = begun(bot, client, "ou_1").batch
    for _ in range(walk.AGAIN.max_attempts):
        walked(batch)
    assert states() == {"ou_1": RecipientState.UNKNOWN}
    assert len({json.loads(call.request.content)["uuid"] for call in platform.sends.calls}) == 1
    assert retry(BATCHES, batch, actor=Actor.api(client)) == 0


def test_message_that_may_have_been_sent_long_ago_is_unknown(bot: Bot, client: ApiClient, platform) -> None:
    platform.sends.side_effect = httpx2.ReadTimeout("gone")
    batch = walked(begun(bot, client, "ou_1").batch)
    Sending.objects.update(doubtful_since=timezone.now() - timedelta(hours=2))
    walked(batch)
    assert states() == {"ou_1": RecipientState.UNKNOWN}


def test_cancelled_batch_sends_nothing_more(bot: Bot, client: ApiClient, platform) -> None:
    batch = begun(bot, client, "ou_1").batch
    assert cancel(BATCHES, batch, actor=Actor.api(client))
    assert walked(batch).state == MailingState.CANCELLED
    assert not platform.sends.called
    assert not cancel(BATCHES, batch, actor=Actor.api(client))
