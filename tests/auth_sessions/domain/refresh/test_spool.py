"""Answers that the database did not take: none is lost, none counts twice."""

import stat
from collections import namedtuple
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from auth_sessions.domain.refresh import refresher, spool
from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.loop import run_passes
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.refresh.recovery import drain_spool, recover
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from tests.auth_sessions.conftest import oauth_error, token_answer
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot, next_refresh_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def die_before_commit(monkeypatch):
    """Refreshes what is due with a process that dies when the answer is there."""

    class Died(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise Died

    def run() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(refresher, "commit", die)
            with pytest.raises(Died):
                Pass().run()

    return run


def test_answer_of_a_refresher_that_died_before_storing_it_is_stored_by_the_next(
    grant, platform, die_before_commit
):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    grant.refresh_from_db()
    assert (grant.phase, grant.generation) == (RefreshPhase.SENDING, 1)
    assert spool.count() == 1
    Pass().run()
    assert spool.count() == 0
    grant.refresh_from_db()
    assert (grant.access_token, grant.refresh_token, grant.phase) == (
        "access-token-2",
        "refresh-token-2",
        RefreshPhase.IDLE,
    )
    assert (list(spool.waiting()), platform.token.call_count) == ([], 1)


def test_spooled_answer_is_sealed_and_the_owners_alone(grant, platform, die_before_commit, settings):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    (file,) = (settings.DATA_DIR / "refresh-spool").iterdir()
    assert b"token-2" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_spooled_answer_counts_once_and_nothing_against_a_new_consent(grant, platform, die_before_commit):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    (file,) = spool.folder().iterdir()
    content = file.read_bytes()
    drain_spool()
    file.write_bytes(content)
    UserToken.objects.update(generation=7)
    drain_spool()
    grant.refresh_from_db()
    assert grant.generation == 7
    assert not file.exists()
    file.write_bytes(content)
    RefreshAttempt.objects.update(outcome=RefreshOutcome.UNCERTAIN)
    drain_spool()
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.SUPERSEDED
    assert UserToken.objects.get().generation == 7


def test_spooled_answer_revives_a_grant_that_was_taken_for_uncertain(grant, platform, die_before_commit):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    UserToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    recover()
    assert UserToken.objects.get().phase == RefreshPhase.UNCERTAIN
    drain_spool()
    assert UserToken.objects.get().phase == RefreshPhase.IDLE


def test_answer_of_a_grant_that_is_gone_is_discarded(grant, platform, die_before_commit):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    grant.delete()
    drain_spool()
    assert list(spool.waiting()) == []


def test_answer_that_does_not_open_is_kept_for_the_right_key_and_holds_nobody_up(
    bot, grant, platform, die_before_commit, caplog
):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    with override_settings(ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        drain_spool()
    assert "spooled_answer_unreadable" in caplog.text
    assert len(list(spool.waiting())) == 1
    drain_spool()
    assert UserToken.objects.get().generation == 2


@pytest.mark.parametrize("answer", [200, 20050, 20073], ids=["new tokens", "not now", "refused"])
def test_commit_is_tried_again_until_the_database_takes_it(grant, platform, monkeypatch, answer):
    platform.token.mock(return_value=oauth_error(answer))
    if answer == 200:
        platform.token.mock(return_value=None).respond(json=token_answer(2))
    failures = [OperationalError("gone"), OperationalError("still gone")]

    def commit_sometimes(*args, **kwargs):
        if failures:
            raise failures.pop()
        return commit(*args, **kwargs)

    monkeypatch.setattr(refresher, "commit", commit_sometimes)
    monkeypatch.setattr(refresher, "RETRY_COMMIT", 0.01)
    monkeypatch.setattr(refresher, "close_own", lambda: None)
    assert sum(Pass().run().values()) == 1
    assert RefreshAttempt.objects.get().outcome != ""
    assert list(spool.waiting()) == []


def test_nothing_is_sent_when_no_answer_could_be_kept(grant, platform, monkeypatch, caplog):
    usage = namedtuple("usage", "free")  # noqa: PYI024 -- as shutil has it
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(1024))
    Pass().run()
    assert not platform.token.called
    [line] = [record for record in caplog.records if record.message == "refresh_spool_unusable"]
    assert line.thinned  # a pass every five seconds meets it
    monkeypatch.undo()


def test_full_disk_is_known_before_anything_is_due(db, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(spool, "MAX_FILES", 0)
        assert not run_passes()
    assert run_passes()


def test_nothing_new_is_sent_while_too_many_answers_wait(grant, platform, monkeypatch):
    monkeypatch.setattr(spool, "MAX_FILES", 0)
    Pass().run()
    assert not platform.token.called


def test_refresher_asked_to_stop_takes_nothing_new(grant, platform):
    assert Pass(stopping=lambda: True).run() == {}
    assert not platform.token.called


def put_back(grant: UserToken, **values: object) -> None:
    """The database is as it was before the attempt."""
    RefreshAttempt.objects.all().delete()
    released = {"phase": RefreshPhase.UNCERTAIN, "claim_id": None, "lease_until": None}
    UserToken.objects.filter(pk=grant.pk).update(**released | values)


def test_answer_outlives_a_restore_to_before_its_attempt(grant, platform, die_before_commit):
    UserToken.objects.update(generation=3)
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    put_back(grant, generation=2)
    drain_spool()
    grant.refresh_from_db()
    assert (grant.refresh_token, grant.generation, grant.phase) == ("refresh-token-2", 3, RefreshPhase.IDLE)
    assert RefreshAttempt.objects.get().outcome == RefreshOutcome.OK
    drain_spool()
    assert (list(spool.waiting()), RefreshAttempt.objects.count()) == ([], 1)


def test_newer_grant_is_not_overwritten_by_an_answer_without_a_row(grant, platform, die_before_commit):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    put_back(grant, generation=5)
    drain_spool()
    grant.refresh_from_db()
    assert (grant.refresh_token, grant.generation) == ("refresh-token-1", 5)


def test_refusal_says_nothing_of_the_token_before_it(grant, platform, monkeypatch):
    attempt = RefreshAttempt(token=grant, generation=grant.generation)
    spool.keep(attempt, SubmissionResult(RefreshOutcome.DEAD_USER, code=20073), asked_at=timezone.now())
    drain_spool()
    grant.refresh_from_db()
    assert (grant.status, list(spool.waiting())) == (TokenStatus.ACTIVE, [])


def test_answer_of_a_grant_that_the_restore_took_away_is_dropped(grant, platform, die_before_commit):
    platform.token.respond(json=token_answer(2))
    die_before_commit()
    UserToken.objects.all().delete()
    drain_spool()
    assert list(spool.waiting()) == []
