from collections import Counter
from datetime import timedelta

import pytest
from django.core.checks import Tags, run_checks
from django.utils import timezone

from bots.enums import ProcessKind
from bots.models import FleetProcess
from bots.models.processes import SILENT_AFTER
from feishu_portal.database_connections import allowance, most_of, most_of_all, running_processes

ONE_OF_EACH = 20 + (4 + 64) + (1 + 2 * (8 + 4)) + 3 + 3


def has_warned() -> bool:
    found = run_checks(tags=[Tags.database], databases=["default"])
    return "feishu_portal.W012" in {message.id for message in found}


def test_every_kind_is_counted_as_the_table_for_operators_has_it():
    assert {kind: most_of(kind) for kind in ProcessKind} == {
        "web": 20,
        "runfeishu": 68,
        "worker": 25,
        "refresher": 3,
        "beat": 3,
        "runportal": ONE_OF_EACH,
    }


@pytest.mark.parametrize(
    ("running", "most"),
    [
        ({}, ONE_OF_EACH),
        ({"web": 1, "beat": 1}, ONE_OF_EACH),
        ({"web": 2, "runfeishu": 2, "worker": 2}, 232),
        ({"runportal": 1}, ONE_OF_EACH),
        ({"runportal": 1, "worker": 1}, ONE_OF_EACH + 25),
    ],
)
def test_kinds_that_do_not_run_yet_are_counted_once(running, most):
    assert most_of_all(Counter(running)) == most


def test_settings_count(settings):
    settings.WEB_DATABASE_CONNECTIONS, settings.CALLBACK_THREADS = 5, 10
    settings.CELERY_WORKER_CONCURRENCY, settings.WORKER_DATABASE_CONNECTIONS = 1, 2
    assert most_of_all(Counter()) == 5 + 14 + 7 + 3 + 3


@pytest.mark.django_db
def test_processes_that_are_silent_or_were_stopped_are_not_counted():
    now = timezone.now()
    for name, seen_at, stopped_at in (
        ("here", now, None),
        ("silent", now - timedelta(seconds=2 * SILENT_AFTER), None),
        ("stopped", now, now),
    ):
        FleetProcess.objects.create(kind="web", name=name, seen_at=seen_at, stopped_at=stopped_at)
    assert running_processes() == {"web": 1}


@pytest.mark.django_db
@pytest.mark.only_on("postgres")
def test_more_than_the_server_has_is_warned_of(settings):
    allowed = allowance()
    assert allowed is not None
    settings.WEB_DATABASE_CONNECTIONS = allowed.count - (ONE_OF_EACH - 20)
    assert not has_warned()
    settings.WEB_DATABASE_CONNECTIONS += 1
    assert has_warned()


@pytest.mark.django_db
@pytest.mark.only_on("postgres")
def test_pooler_that_does_not_tell_is_no_cause_to_warn(settings):
    settings.POOLER, settings.WEB_DATABASE_CONNECTIONS = "session", 1_000
    assert allowance() is None
    assert not has_warned()


@pytest.mark.django_db
@pytest.mark.only_on("sqlite")
def test_files_have_no_limit(settings):
    settings.WEB_DATABASE_CONNECTIONS = 1_000
    assert not has_warned()
