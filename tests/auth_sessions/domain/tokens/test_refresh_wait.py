import asyncio
from copy import copy

import pytest
from django.utils import timezone

from auth_sessions.domain.tokens import refresh_wait
from auth_sessions.domain.tokens.refresh_wait import wait_for_refresh, wait_for_refresh_async
from auth_sessions.enums import RefreshPhase, TokenStatus
from core.background.waiting import GrowingPauses
from tests.factories import make_bot, make_grant


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(refresh_wait, "PATIENCE", 0.2)
    monkeypatch.setattr(refresh_wait, "PAUSES", GrowingPauses(first=0.005, longest=0.02))


@pytest.fixture
def grant(db):
    return make_grant(make_bot(), access_expires_at=timezone.now())


@pytest.fixture(params=["blocking", "async"])
def wait(request, monkeypatch, grant):
    """Waits for ``grant`` in either way; each read sees the next of the changes, and then the last one again."""

    def wait(*changes):
        pending = list(changes)

        def read():
            seen = pending.pop(0) if len(pending) > 1 else pending[0]
            if seen is None:
                return None
            now = copy(grant)
            vars(now).update(seen)
            return now

        async def read_later():
            return read()

        if request.param == "async":
            return asyncio.run(wait_for_refresh_async(grant, read_later))
        monkeypatch.setattr(refresh_wait, "read_grant", lambda _pk: read())
        return wait_for_refresh(grant)

    return wait


def test_wait_ends_with_a_newer_generation(wait):
    assert wait({"attempts": 1}, {"generation": 2}).generation == 2


@pytest.mark.parametrize(
    "end",
    [
        {"status": TokenStatus.NEEDS_REAUTH, "phase": RefreshPhase.STOPPED},
        {"status": TokenStatus.REVOKED, "access_token": "", "refresh_token": ""},
    ],
)
def test_wait_ends_where_no_refresh_will_come(wait, end):
    assert wait({}, end).status == end["status"]


def test_wait_ends_where_the_grant_is_gone(wait):
    assert wait({}, None) is None


@pytest.mark.parametrize("phase", [RefreshPhase.IDLE, RefreshPhase.SENDING, RefreshPhase.UNCERTAIN])
def test_patience_ends(wait, phase):
    assert wait({"phase": phase}) is None
