import pytest
from django.utils import timezone

from core.access.scopes import Scope
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.proxy.outcomes import problem, uses
from tests.feishu_portal.api.proxy.tokens import OTHER_TOKEN, USER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


async def test_callers_without_a_usable_key_are_refused(proxy, grant, upstream):
    expired = await proxy.key(expires_at=timezone.now())
    disabled = await proxy.key(enabled=False)
    for key in (expired, disabled, "fp_wrong_key", ""):
        response = await proxy.call(key, proxy.path())
        assert problem(response) == (401, "caller_unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"
    assert upstream.requests == []


@pytest.mark.parametrize(("user", "lacking"), [("ou_asked", Scope.PROXY_USER), ("", Scope.PROXY_APP)])
async def test_key_without_the_scope_is_told_which_one(proxy, grant, upstream, user, lacking):
    key = await proxy.key(*(scope for scope in Scope if scope != lacking))
    for bot_path in (proxy.path(user=user), proxy.path(user=user).replace(proxy.bot.app_id, "cli_0")):
        response = await proxy.call(key, bot_path)
        assert problem(response) == (403, "not_permitted")
        assert response.json()["scope"] == lacking
    assert upstream.requests == []


async def test_stranger_cannot_tell_a_bot_from_none(proxy, grant, upstream, database):
    stranger = await proxy.key(bots=(await database.run(make_bot),))
    foreign = await proxy.call(stranger, proxy.path())
    missing = await proxy.call(stranger, proxy.path().replace(proxy.bot.app_id, "cli_0"))
    assert problem(foreign) == (404, "not_found")
    assert foreign.content == missing.content
    assert upstream.requests == []
    await uses(proxy, 0)


async def test_person_of_another_bot_is_nobody(proxy, upstream, database):
    await database.run(lambda: make_grant(make_bot(), access_token=USER_TOKEN))
    response = await proxy.call(await proxy.key(bots=(proxy.bot,)), proxy.path())
    assert problem(response) == (404, "token_not_found")
    assert upstream.requests == []


async def test_disabled_bot_calls_nothing(proxy, grant, upstream, database):
    await database.run(lambda: type(proxy.bot).objects.update(enabled=False))
    assert problem(await proxy.call(await proxy.key(), proxy.path())) == (409, "bot_disabled")
    assert upstream.requests == []


async def test_path_rules_of_the_client_decide(proxy, grant, upstream):
    key = await proxy.key(proxy_paths=["GET /open-apis/task/v2/**", "* /open-apis/im/v1/chats/*"])
    allowed = [("GET", "/open-apis/task/v2/tasks/1"), ("DELETE", "/open-apis/im/v1/chats/oc_1")]
    refused = [
        ("POST", "/open-apis/task/v2/tasks"),
        ("GET", "/open-apis/task/v2"),
        ("GET", "/open-apis/im/v1/chats/oc_1/members"),
        ("GET", "/open-apis/task/v20/tasks"),
    ]
    for method, path in allowed:
        assert (await proxy.call(key, proxy.path(path), method=method)).status_code == 200
    for method, path in refused:
        response = await proxy.call(key, proxy.path(path), method=method)
        assert problem(response) == (403, "path_not_allowed")
    assert len(upstream.requests) == len(allowed)


async def test_same_open_id_in_two_tenants_asks_whose(proxy, grant, upstream, database):
    await database.run(make_grant, proxy.bot, tenant_key="other", access_token=OTHER_TOKEN)
    key = await proxy.key()
    assert problem(await proxy.call(key, proxy.path())) == (409, "tenant_key_required")
    await proxy.call(key, proxy.path(), headers={"feishu-portal-tenant": "other"})
    assert upstream.authorizations == [OTHER_TOKEN]
