"""The disk is lost with its host while the database is away: Redis has the answers."""

from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from auth_sessions.domain.refresh import copies, refresher, spool
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.enums import RefreshPhase
from auth_sessions.models import UserToken
from tests.auth_sessions.conftest import token_answer
from tests.factories import make_grant
from tests.services.ports import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings, redis_url, tmp_path):
    """Redis, with a name that no other test has."""
    settings.REDIS_URL, settings.INSTALLATION = redis_url, str(tmp_path)
    yield
    redis.Redis.from_url(redis_url).delete(copies._key())


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot, next_refresh_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def die_with_the_disk(grant, platform, monkeypatch, settings, tmp_path):
    """A refresher that dies when the answer is there; the next one is on another host."""

    class Died(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise Died

    platform.token.respond(json=token_answer(2))
    with monkeypatch.context() as patched:
        patched.setattr(refresher, "commit", die)
        with pytest.raises(Died):
            Pass().run()
    settings.DATA_DIR = tmp_path / "another host"


def test_answer_is_stored_by_the_refresher_of_another_host(grant, die_with_the_disk, platform, time_machine):
    time_machine.move_to(timezone.now() + timedelta(seconds=60))
    Pass().run()
    grant.refresh_from_db()
    assert (grant.refresh_token, grant.generation, grant.phase) == ("refresh-token-2", 2, RefreshPhase.IDLE)
    assert (copies.waiting(), platform.token.call_count) == ([], 1)


def test_answer_that_has_just_come_is_left_to_its_sender(grant, die_with_the_disk):
    assert list(spool.waiting()) == []
    assert len(copies.waiting()) == 1


def test_copy_is_sealed(grant, die_with_the_disk):
    [claim_id] = copies.waiting()
    assert b"token-2" not in copies.get(claim_id)


def test_stored_answer_leaves_no_copy(grant, platform):
    platform.token.respond(json=token_answer(2))
    Pass().run()
    assert (copies.waiting(), UserToken.objects.get().generation) == ([], 2)


def test_redis_that_is_away_holds_nothing_up(grant, platform, settings, caplog):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    platform.token.respond(json=token_answer(2))
    Pass().run()
    assert UserToken.objects.get().generation == 2
    assert "refresh_answers_not_copied" in caplog.text


def test_answer_counts_as_kept_where_the_disk_takes_nothing_and_redis_does(grant, platform, monkeypatch):
    def full(*_args):
        raise OSError("No space left on device")

    monkeypatch.setattr(spool, "_write", full)
    platform.token.respond(json=token_answer(2))
    Pass().run()
    assert UserToken.objects.get().generation == 2
