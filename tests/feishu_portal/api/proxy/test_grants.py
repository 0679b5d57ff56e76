from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import AuthSession
from core.access.models import AuditEntry
from core.access.scopes import Scope
from tests.feishu_portal.api.proxy.outcomes import age, problem, uses
from tests.feishu_portal.api.proxy.tokens import APP_TOKEN, OTHER_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


async def test_grant_that_is_over_names_a_link(proxy, grant, upstream, database):
    await database.run(
        age,
        grant,
        access_expires_at=timezone.now(),
        status=TokenStatus.NEEDS_REAUTH,
        phase=RefreshPhase.STOPPED,
    )
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (409, "reauthorization_required")
    assert "/oauth/start/" in response.json()["authorize_url"]
    assert await database.run(AuthSession.objects.count) == 1
    asked = await database.run(AuditEntry.objects.get, action="auth_session.created")
    assert asked.address == "127.0.0.1"
    assert upstream.requests == []


async def test_call_waits_for_the_refresh_it_needs(proxy, grant, upstream, database, refresher):
    await database.run(age, grant, access_expires_at=timezone.now())
    response = await proxy.call(await proxy.key(), proxy.path())
    assert response.headers["feishu-portal-generation"] == "2"
    assert upstream.authorizations == [OTHER_TOKEN]


async def test_refresh_that_does_not_come_is_in_progress(proxy, grant, upstream, database):
    await database.run(age, grant, access_expires_at=timezone.now())
    response = await proxy.call(await proxy.key(), proxy.path())
    assert problem(response) == (503, "refresh_in_progress")
    assert response.headers["retry-after"]
    assert upstream.requests == []


async def test_token_that_ends_soon_is_used_where_its_refresh_fails(proxy, grant, upstream, database):
    await database.run(
        age, grant, access_expires_at=timezone.now() + timedelta(seconds=300), phase=RefreshPhase.UNCERTAIN
    )
    assert (await proxy.call(await proxy.key(), proxy.path())).status_code == 200


@pytest.mark.parametrize("person", ["ou_asked", "ou_nobody"])
async def test_bot_steps_in_where_the_caller_allows_it(proxy, grant, upstream, database, person):
    await database.run(age, grant, access_expires_at=timezone.now(), refresh_token="")
    headers = {"feishu-portal-fallback": "app"}
    response = await proxy.call(await proxy.key(), proxy.path(user=person), headers=headers)
    assert response.headers["feishu-portal-identity"] == "app"
    assert upstream.authorizations == [APP_TOKEN]
    [use] = await uses(proxy)
    assert (use.open_id, use.generation) == ("", None)
    alone = await proxy.key(Scope.PROXY_USER)
    assert problem(await proxy.call(alone, proxy.path(), headers=headers)) == (403, "not_permitted")
