import pytest
from django.db import DatabaseError
from starlette.responses import JSONResponse, Response

from auth_sessions.models import TokenUse
from feishu_portal.api.proxy import admission_batch
from tests.feishu_portal.api.proxy.outcomes import OK, REJECTED, problem, uses
from tests.feishu_portal.api.proxy.tokens import SECRETS

pytestmark = pytest.mark.django_db(transaction=True)


async def test_call_is_written_down_without_query_and_token(proxy, grant, upstream):
    upstream.will_say({"code": 0, "data": {}}, headers={"X-Tt-Logid": "log-1"})
    await proxy.call(await proxy.key(), proxy.path("/open-apis/im/v1/files/f%20%E6%96%87?secret=1"))
    [use] = await uses(proxy)
    assert (use.caller, use.kind, use.open_id, use.generation) == ("system 0", "call", "ou_asked", 1)
    assert (use.method, use.path) == ("GET", "/open-apis/im/v1/files/f%20%E6%96%87")
    assert (use.status, use.code, use.log_id) == (200, 0, "log-1")
    assert use.received_bytes == len(b'{"code":0,"data":{}}')
    assert use.seconds > 0


async def test_call_is_written_down_before_it_is_sent(proxy, grant, upstream):
    seen = []

    async def look(_request) -> Response:
        seen.extend(await proxy.database.run(lambda: list(TokenUse.objects.values_list("status", "path"))))
        return JSONResponse(OK)

    upstream.answer = look
    await proxy.call(await proxy.key(), proxy.path())
    assert seen == [(None, "/open-apis/task/v2/tasks")]


async def test_no_record_no_call(proxy, grant, upstream, monkeypatch):
    def fail(_calls):
        raise DatabaseError("no space left")

    monkeypatch.setattr(admission_batch, "record_calls", fail)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (503, "database_away")
    assert response.json()["sent"] == "no"
    assert upstream.requests == []


async def test_tokens_reach_neither_log_nor_record_nor_answer(proxy, grant, upstream, caplog, database):
    caplog.set_level(0)
    key = await proxy.key()
    upstream.will_say(REJECTED)
    answers = [await proxy.call(key, proxy.path()), await proxy.call(key, proxy.path(user=""))]
    text = caplog.text + "".join(f"{answer.text}{answer.headers}" for answer in answers)
    text += str(await database.run(lambda: list(TokenUse.objects.values())))
    assert [secret for secret in (*SECRETS, key) if secret in text] == []
