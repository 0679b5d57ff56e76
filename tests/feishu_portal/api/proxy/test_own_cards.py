"""The card on which a person is asked is the portal's to change, however a client asks for it."""

import httpx2
import pytest

from bots.models import Bot
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval
from tests.factories import make_bot
from tests.feishu_portal.api.proxy.outcomes import problem, uses
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = "/open-apis/im/v1/messages/{}"
CONVERT = "/open-apis/cardkit/v1/cards/id_convert"


def asked_on_a_card(bot: Bot) -> CallApproval:
    approval = ask_about(bot)
    CallApproval.objects.filter(pk=approval.pk).update(message_id="om_card", card_shows=1)
    return approval


@pytest.fixture(autouse=True)
def notified(monkeypatch) -> None:
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *_message: None)


@pytest.fixture
async def approval(proxy) -> CallApproval:
    return await proxy.database.run(lambda: asked_on_a_card(proxy.bot))


async def as_bot(proxy, method: str, path: str, **body) -> httpx2.Response:
    key = await proxy.key(bots=(proxy.bot,))
    return await proxy.call(key, proxy.path(path, user=""), method=method, **body)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("written", ["om_card", "om_card/", "om_card%20"])
async def test_card_that_asks_is_neither_updated_nor_recalled(method, written, proxy, approval, upstream):
    answer = await as_bot(proxy, method, MESSAGE.format(written), json={"content": "{}"})
    assert problem(answer) == (403, "own_card")
    assert upstream.requests == []
    assert await uses(proxy, 0) == []


@pytest.mark.parametrize("path", [MESSAGE.format("om_card"), "/open-apis/IM/v1/Messages/om_card"])
async def test_path_may_be_written_in_any_case(path, proxy, approval, upstream):
    assert problem(await as_bot(proxy, "PATCH", path, json={})) == (403, "own_card")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"message_id": "om_card"}},
        {"json": {"message_id": "om_other", "Message_ID": "om_card"}},
        {"content": b'{"message_id": "om_other", "message_id": "om_card"}'},
        {"content": b'{"message_id": "om_card"', "headers": {"content-type": "application/json"}},
        {"content": '{"message_id": "om_card"}'.encode("utf-16")},
    ],
    ids=["plain", "in another case", "twice", "broken", "in another encoding"],
)
async def test_card_that_asks_gets_no_id_by_which_cardkit_changes_it(body, proxy, approval, upstream):
    assert problem(await as_bot(proxy, "POST", CONVERT, **body)) == (403, "own_card")
    assert upstream.requests == []


async def test_person_who_is_not_there_opens_no_other_way(proxy, approval, upstream):
    key = await proxy.key(bots=(proxy.bot,))
    answer = await proxy.call(
        key,
        proxy.path(MESSAGE.format("om_card")),
        method="PATCH",
        json={},
        headers={"feishu-portal-fallback": "app"},
    )
    assert problem(answer) == (403, "own_card")
    assert upstream.requests == []


async def test_what_asks_nobody_is_changed(proxy, approval, upstream):
    assert (await as_bot(proxy, "PATCH", MESSAGE.format("om_other"), json={})).status_code == 200
    assert (await as_bot(proxy, "GET", MESSAGE.format("om_card"))).status_code == 200
    assert (await as_bot(proxy, "POST", MESSAGE.format("om_card") + "/reply", json={})).status_code == 200
    assert (await as_bot(proxy, "POST", CONVERT, json={"message_id": "om_other"})).status_code == 200
    await proxy.database.run(lambda: CallApproval.objects.update(state=ApprovalState.DENIED, call=""))
    assert (await as_bot(proxy, "PATCH", MESSAGE.format("om_card"), json={})).status_code == 200


async def test_card_of_another_bot_is_not_looked_for(proxy, upstream):
    await proxy.database.run(lambda: asked_on_a_card(make_bot()))
    assert (await as_bot(proxy, "PATCH", MESSAGE.format("om_card"), json={})).status_code == 200
