import pytest
from starlette.responses import JSONResponse, Response

from core.access.models import ApiClient
from feishu_portal.api.proxy import upload
from tests.feishu_portal.api.proxy.outcomes import OK, REJECTED, age, problem, refresh, uses
from tests.feishu_portal.api.proxy.tokens import APP_TOKEN, OTHER_TOKEN, USER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


async def test_rejected_token_is_refreshed_and_the_call_sent_once_more(
    proxy, grant, upstream, database, refresher
):
    await database.run(age, grant)
    upstream.will_say(REJECTED, {"code": 0, "data": {"n": 2}})
    response = await proxy.call(await proxy.key(), proxy.path(), method="POST", content=b'{"a":1}')
    assert (response.status_code, response.json()["data"]) == (200, {"n": 2})
    assert response.headers["feishu-portal-replay"] == "done"
    assert upstream.authorizations == [USER_TOKEN, OTHER_TOKEN]
    assert upstream.bodies == [b'{"a":1}', b'{"a":1}']
    first, second = await uses(proxy, 2)
    assert (first.code, first.generation, second.code, second.generation) == (99991677, 1, 0, 2)


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_rejection_counts_under_any_status(proxy, grant, upstream, database, refresher, status):
    await database.run(age, grant)

    async def answer(_request) -> Response:
        return JSONResponse(
            REJECTED if len(upstream.requests) == 1 else OK, status if len(upstream.requests) == 1 else 200
        )

    upstream.answer = answer
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == OK


@pytest.mark.parametrize(
    "odd", [{"code": "99991677"}, {"code": 99991677.0}, {"msg": None}, {"msg": ["expired"]}]
)
async def test_rejection_counts_however_its_fields_are_written(
    proxy, grant, upstream, database, refresher, odd
):
    await database.run(age, grant)
    upstream.will_say(REJECTED | odd, OK)
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == OK
    first, _second = await uses(proxy, 2)
    assert first.code == 99991677


async def test_token_that_somebody_refreshed_meanwhile_needs_no_refresh(proxy, grant, upstream, database):
    await database.run(age, grant)

    async def answer(_request) -> Response:
        if len(upstream.requests) > 1:
            return JSONResponse(OK)
        await database.run(refresh, grant)
        return JSONResponse(REJECTED, 400)

    upstream.answer = answer
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == OK
    assert upstream.authorizations == [USER_TOKEN, OTHER_TOKEN]


async def test_second_rejection_is_the_answer(proxy, grant, upstream, database, refresher):
    await database.run(age, grant)
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.json() == REJECTED
    assert (len(upstream.requests), len(refresher)) == (2, 1)


async def test_token_just_issued_is_not_refreshed_for_a_rejection(proxy, grant, upstream, refresher):
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.headers["feishu-portal-replay"] == "no-other-token"
    assert (len(upstream.requests), refresher) == (1, [])


async def test_api_that_takes_no_user_is_no_reason_to_refresh(proxy, grant, upstream, database, refresher):
    await database.run(age, grant)
    upstream.will_say({"code": 99991668, "msg": "user access token not support"})
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.json()["code"] == 99991668
    assert (len(upstream.requests), refresher) == (1, [])


@pytest.mark.parametrize("code", [99991672, 99991400, 99992402, 2320001])
async def test_other_refusals_are_passed_on_and_refresh_nothing(
    proxy, grant, upstream, database, refresher, code
):
    await database.run(age, grant)
    upstream.will_say({"code": code, "msg": "no"})
    assert (await proxy.call(await proxy.key(), proxy.path())).json() == {"code": code, "msg": "no"}
    assert (len(upstream.requests), refresher) == (1, [])


async def test_call_with_a_long_body_is_not_repeated_and_says_so(
    proxy, grant, upstream, database, refresher, monkeypatch
):
    monkeypatch.setattr(upload, "KEPT", 10)
    await database.run(age, grant)
    upstream.will_say(REJECTED)
    response = await proxy.call(await proxy.key(), proxy.path(), method="POST", content=b"x" * 11)
    assert response.headers["feishu-portal-replay"] == "body-too-large"
    assert (len(upstream.requests), refresher) == (1, [])


async def test_rejected_bot_token_is_fetched_again_once(proxy, upstream):
    upstream.app_tokens = ["t-revoked-early", APP_TOKEN]
    upstream.will_say({"code": 99991663, "msg": "invalid"}, OK)
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert (response.json(), response.headers["feishu-portal-replay"]) == (OK, "done")
    assert upstream.authorizations == ["t-revoked-early", APP_TOKEN]


async def test_key_that_is_revoked_during_the_call_sends_no_second_one(proxy, upstream, database):
    upstream.app_tokens = ["t-revoked-early", APP_TOKEN]

    async def answer(_request) -> Response:
        await database.run(lambda: ApiClient.objects.update(enabled=False))
        return JSONResponse({"code": 99991663, "msg": "invalid"}, 400)

    upstream.answer = answer
    response = await proxy.call(await proxy.key(), proxy.path(user=""))
    assert problem(response) == (401, "caller_unauthenticated")
    assert len(upstream.requests) == 1
    [use] = await uses(proxy)
    assert (use.status, use.code) == (400, 99991663)


async def test_api_that_rejects_the_bots_token_every_time_costs_one_fetch(proxy, upstream):
    upstream.will_say({"code": 99991663, "msg": "invalid"})
    key = await proxy.key()
    for _ in range(3):
        response = await proxy.call(key, proxy.path(user=""))
        assert response.headers["feishu-portal-replay"] == "no-other-token"
    assert (upstream.token_calls, len(upstream.requests)) == (2, 3)
