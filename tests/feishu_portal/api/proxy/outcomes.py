"""How grants change, and what comes of a proxied call: its answer and its record."""

import asyncio
from datetime import timedelta

import httpx2
from django.utils import timezone

from auth_sessions.models import TokenUse, UserToken
from tests.feishu_portal.api.proxy.tokens import OTHER_TOKEN, SECRETS
from tests.services.processes import PATIENCE

REJECTED = {"code": 99991677, "msg": "user access token expired"}
OK = {"code": 0, "msg": "success", "data": {}}


async def uses(proxy, count: int = 1) -> list[TokenUse]:
    """The records of so many calls, once their ends are written down."""
    ended = TokenUse.objects.exclude(seconds=None).order_by("id")
    async with asyncio.timeout(PATIENCE):
        while len(found := await proxy.database.run(lambda: list(ended.all()))) < count:
            await asyncio.sleep(0.02)
    assert len(found) == await proxy.database.run(TokenUse.objects.count) == count
    return found


def problem(response: httpx2.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert not any(secret in response.text for secret in SECRETS)
    return response.status_code, response.json()["code"]


def age(grant, **values):
    """Changes the grant, by default to one that was issued long ago."""
    old = {"authorized_at": timezone.now() - timedelta(hours=1)}
    UserToken.objects.filter(pk=grant.pk).update(**(old | values))


def refresh(grant, token: str = OTHER_TOKEN) -> None:
    row = UserToken.objects.get(pk=grant.pk)
    row.access_token, row.generation = token, row.generation + 1
    row.access_expires_at = timezone.now() + timedelta(hours=2)
    row.save()
