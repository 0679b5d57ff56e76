"""Whom a call is for, named by any of the person's ids."""

import pytest

from core.access.scopes import Scope
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.proxy.outcomes import problem, uses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def person(database, bot):
    ids = {"union_id": "on_1", "user_id": "e33ggbyz", "email": "li.lei@example.com"}
    await database.run(make_grant, bot, open_id="ou_other", user_id="xx")
    return await database.run(lambda: make_grant(bot, **ids))


@pytest.mark.parametrize(
    "name", ["ou_asked", "on_1", "e33ggbyz", "Li.Lei@example.com", "li.lei%40example.com"]
)
async def test_person_is_found_by_any_id(proxy, person, upstream, name):
    response = await proxy.call(await proxy.key(), proxy.path(user=name))
    assert (response.status_code, response.headers["feishu-portal-identity"]) == (200, "user")
    again = await proxy.call(await proxy.key(), proxy.path(user=name))
    assert again.status_code == 200
    assert {use.open_id for use in await uses(proxy, 2)} == {"ou_asked"}


@pytest.mark.parametrize("name", ["on_2", "ou_unknown", "nobody", "no@example.com"])
async def test_stranger_is_not_found(proxy, person, upstream, name):
    response = await proxy.call(await proxy.key(), proxy.path(user=name))
    assert problem(response) == (404, "token_not_found")
    assert upstream.requests == []


async def test_same_user_id_in_two_tenants_needs_the_tenant(proxy, person, bot, database, upstream):
    await database.run(
        lambda: make_grant(
            bot, open_id="ou_two", tenant_key="other", user_id="e33ggbyz", access_token="u-two"
        )
    )
    key, path = await proxy.key(), proxy.path(user="e33ggbyz")
    assert problem(await proxy.call(key, path)) == (409, "tenant_key_required")
    response = await proxy.call(key, path, headers={"feishu-portal-tenant": "other"})
    assert (response.status_code, upstream.authorizations) == (200, ["u-two"])


async def test_open_id_of_another_app_is_called_so_to_those_who_may_know(proxy, person, database):
    other = await database.run(make_bot)
    await database.run(lambda: make_grant(other, open_id="ou_elsewhere"))
    path = proxy.path(user="ou_elsewhere")
    assert problem(await proxy.call(await proxy.key(), path)) == (404, "open_id_of_another_app")
    both = await proxy.key(bots=(proxy.bot, other))
    assert problem(await proxy.call(both, path)) == (404, "open_id_of_another_app")
    stranger = await proxy.key(Scope.PROXY_USER, bots=(proxy.bot,))
    assert problem(await proxy.call(stranger, path)) == (404, "token_not_found")
