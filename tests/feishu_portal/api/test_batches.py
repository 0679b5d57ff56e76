import pytest

from bots.enums import RecipientKind, RecipientState
from bots.mailings import service, walk
from bots.models import BatchRecipient, MessageBatch
from bots.sending import batches
from bots.sending.batches import BATCHES
from core.access.scopes import Scope
from core.background.pace import Pace
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client
from tests.feishu_portal.api.messages import post

pytestmark = pytest.mark.django_db

MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def prompt(monkeypatch):
    monkeypatch.setattr(walk, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(walk, "PACE", Pace(rate=10_000))
    monkeypatch.setattr(walk, "notify", lambda *_message: None)
    monkeypatch.setattr(service, "notify", lambda *_message: None)


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def client():
    return api_client(Scope.MESSAGES_SEND)


def begin(client, bot, *ids, **values):
    recipients = [one if isinstance(one, dict) else {"receive_id": one} for one in ids]
    return post(client, bot, "/batch", recipients=recipients, **({"text": "hello"} | values))


def place(bot, batch_id="", what=""):
    return f"/api/v1/bots/{bot.app_id}/messages/batch" + "".join(
        f"/{part}" for part in (batch_id, what) if part
    )


def test_batch_is_begun_walked_and_asked_for(client, bot, platform):
    answer = begin(client, bot, "ou_1", "oc_1", "ou_1")
    assert answer.status_code == 202
    batch = answer.json()
    assert (batch["state"], batch["counts"]) == ("resolving", {"ready": 2})
    walk.advance(BATCHES, MessageBatch.objects.get().pk)
    batch = client.get(place(bot, batch["id"])).json()
    assert (batch["state"], batch["counts"], batch["error"]) == ("done", {"sent": 2}, "")
    page = client.get(place(bot, batch["id"], "recipients"), {"limit": 1}).json()
    assert [row["receive_id"] for row in page["items"]] == ["ou_1"]
    assert page["items"][0]["message_id"] == "om_1"
    rest = client.get(place(bot, batch["id"], "recipients"), {"cursor": page["next_cursor"]}).json()
    assert ([row["receive_id"] for row in rest["items"]], rest["next_cursor"]) == (["oc_1"], None)
    assert client.get(place(bot, batch["id"], "recipients"), {"state": "failed"}).json()["items"] == []


def test_kinds_are_named_or_told_by_their_look(client, bot):
    named = [
        "li@x.test", "100234", "王芳", "od-1",
        {"receive_id": "138001", "receive_id_type": "user_id"},
        {"receive_id": "研发部", "receive_id_type": "department"},
        {"receive_id": "值班群", "receive_id_type": "chat"},
    ]  # fmt: skip
    assert begin(client, bot, *named).status_code == 202
    assert list(BatchRecipient.objects.order_by("pk").values_list("kind", flat=True)) == [
        RecipientKind.EMAIL, RecipientKind.USER_ID, RecipientKind.NAME, RecipientKind.DEPARTMENT, RecipientKind.USER_ID,
        RecipientKind.DEPARTMENT, RecipientKind.CHAT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"recipients": []},
        {"recipients": [{"receive_id": " "}]},
        {"recipients": [{"receive_id": "ou_1", "receive_id_type": "chat_id"}]},
        {"recipients": [{"receive_id": "ou_1", "receive_id_type": "user_id"}]},
        {"recipients": [{"receive_id": "e33ggbyz", "receive_id_type": "email"}]},
        {"recipients": [{"receive_id": "x" * 255}]},
        {"recipients": [{"receive_id": "ou_1"}], "msg_type": "text"},
        {"recipients": [{"receive_id": f"ou_{number}"} for number in range(1001)]},
    ],
)
def test_what_is_no_batch_is_refused(client, bot, body):
    assert post(client, bot, "/batch", **({"text": "hello"} | body)).status_code == 422
    assert not MessageBatch.objects.exists()


def test_message_that_is_too_long_is_refused(client, bot):
    answer = begin(client, bot, "ou_1", text="x" * 200_000)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_content")


def test_same_key_is_answered_alike(client, bot):
    first, again = (begin(client, bot, "ou_1", key="k") for _ in range(2))
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = begin(client, bot, "ou_2", key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_too_many_at_once_are_told_when_to_come_again(client, bot, monkeypatch):
    monkeypatch.setattr(batches, "MAX_UNDER_WAY", 0)
    answer = begin(client, bot, "ou_1")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_batches")
    assert answer.headers["Retry-After"] == "30"


def test_failed_are_tried_again_when_the_batch_is_done(client, bot, platform):
    batch_id = begin(client, bot, "ou_1").json()["id"]
    early = client.post(place(bot, batch_id, "retry"))
    assert (early.status_code, early.json()["code"]) == (409, "batch_not_done")
    BatchRecipient.objects.update(state=RecipientState.FAILED)
    walk.advance(BATCHES, MessageBatch.objects.get().pk)
    again = client.post(place(bot, batch_id, "retry"))
    assert (again.status_code, again.json()) == (202, {"recipients": 1})


def test_cancelling_is_harmless_to_repeat(client, bot):
    batch_id = begin(client, bot, "ou_1").json()["id"]
    for _ in range(2):
        answer = client.post(place(bot, batch_id, "cancel"))
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelling")
    assert answer.json()["counts"] == {"cancelled": 1}


def test_batches_are_listed_newest_first_and_those_of_others_are_not_there(client, bot):
    ids = [begin(client, bot, "ou_1").json()["id"] for _ in range(3)]
    page = client.get(place(bot), {"limit": 2}).json()
    assert [batch["id"] for batch in page["items"]] == ids[:0:-1]
    rest = client.get(place(bot), {"cursor": page["next_cursor"]}).json()
    assert ([batch["id"] for batch in rest["items"]], rest["next_cursor"]) == (ids[:1], None)
    other = api_client(Scope.MESSAGES_SEND)
    assert other.get(place(bot)).json()["items"] == []
    for what in ("", "recipients"):
        assert other.get(place(bot, ids[0], what)).status_code == 404
    for what in ("retry", "cancel"):
        assert other.post(place(bot, ids[0], what)).status_code == 404


@pytest.mark.parametrize("batch_id", [MISSING, "no-uuid"])
def test_batch_that_is_not_there(client, bot, batch_id):
    assert client.get(place(bot, batch_id)).status_code == 404
    assert client.get(place(bot), {"cursor": batch_id}).status_code == 404


def test_key_without_the_scope_begins_nothing(bot):
    answer = begin(api_client(Scope.BOTS_READ), bot, "ou_1")
    assert (answer.status_code, answer.json()["scope"]) == (403, "messages:send")


def test_bot_that_is_off_takes_no_batch(client, bot):
    type(bot).objects.update(enabled=False)
    assert begin(client, bot, "ou_1").json()["code"] == "bot_disabled"
