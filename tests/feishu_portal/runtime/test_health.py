"""Probes are answered whatever host they name, and ready says what is missing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from core import __version__
from core.background.vitals import Vitals
from core.vault.keyring import SealedValueError
from feishu_portal.runtime import health
from tests.services.processes import PATIENCE


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.42.8.201:8000", "node.internal", "[fd00::1]:8000", "bad host"])
@pytest.mark.parametrize("path", [health.LIVE, health.READY])
def test_probe_is_answered_whatever_its_host(settings, path, host):
    settings.ALLOWED_HOSTS = ["portal.example.com"]
    assert Client().get(path, HTTP_HOST=host).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", [health.LIVE, health.READY])
def test_answer_says_the_version(path):
    assert Client().get(path).json()["version"] == __version__


@pytest.mark.django_db
def test_database_without_its_tables_is_not_ready(monkeypatch):
    monkeypatch.setattr(health, "_is_migrated", False)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one is left"])
    answer = Client().get(health.READY)
    assert (answer.status_code, answer.json()["database"]) == (503, "not migrated")


@pytest.mark.django_db
def test_database_that_is_away_is_not_ready(monkeypatch):
    def refuse():
        raise OperationalError

    # The client of tests closes and opens connections around a request, so the module's name is replaced.
    monkeypatch.setattr(health, "connection", SimpleNamespace(cursor=refuse))
    answer = Client().get(health.READY)
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


@pytest.mark.django_db
def test_keys_that_do_not_open_this_database_are_not_ready(monkeypatch):
    def refuse():
        raise SealedValueError("wrong")

    monkeypatch.setattr(health, "verify_keys", refuse)
    answer = Client().get(health.READY)
    assert (answer.status_code, answer.json()["database"]) == (503, "keys do not fit")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "status"), [("worker", 503), ("beat", 503), ("web", 200), ("runfeishu", 200)]
)
def test_without_redis_those_that_live_by_tasks_are_not_ready(monkeypatch, kind, status):
    monkeypatch.setattr(health, "process", kind)
    monkeypatch.setattr(health.QUESTIONS["redis"], "ask", lambda: health.UNREACHABLE)
    answer = Client().get(health.READY)
    assert (answer.status_code, answer.json()["redis"]) == (status, "unreachable")
    assert answer.json()["process"] == kind


def test_redis_is_asked_where_there_is_one(settings, monkeypatch):
    monkeypatch.setattr(health, "_redis", None)
    settings.REDIS_URL = ""
    assert health._ask_redis() == "not used"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert health._ask_redis() == "unreachable"


def test_process_with_a_part_that_stands_still_is_not_live(monkeypatch):
    now = 100.0
    own = Vitals(clock=lambda: now)
    monkeypatch.setattr(health, "vitals", own)
    own.expect("scheduler", within=90)
    assert Client().get(health.LIVE).status_code == 200
    now += 91
    answer = Client().get(health.LIVE)
    assert (answer.status_code, answer.json()["standing_still"]) == (503, "scheduler")


async def test_probe_needs_none_of_the_threads_that_loops_share(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 60.0)
    for question in health.QUESTIONS.values():
        monkeypatch.setattr(question, "ask", lambda: "ok")
    loop, ended = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, ended.wait)
    try:
        async with asyncio.timeout(PATIENCE):
            assert (await health._readiness_async())[0] == 200
    finally:
        ended.set()
        await busy


@pytest.fixture
def silent_database(monkeypatch):
    """It does not answer for as long as the test lasts, and nobody waits for it."""
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    ended = threading.Event()

    def hang() -> str:
        ended.wait(PATIENCE)
        return "ok"

    question = health.Question("test", hang)
    monkeypatch.setitem(health.QUESTIONS, "database", question)
    monkeypatch.setattr(health.QUESTIONS["redis"], "ask", lambda: "not used")
    yield question
    ended.set()
    question.asked().result(PATIENCE)


async def test_database_that_does_not_answer_is_not_waited_for(silent_database):
    async def get_response(_request):
        return HttpResponse()

    answer = await asyncio.wait_for(
        health.answer_probes(get_response)(RequestFactory().get(health.READY)), 30
    )
    assert answer.status_code == 503


def test_probes_that_come_meanwhile_wait_for_the_same_answer(silent_database):
    first = silent_database.asked()
    assert health.readiness_in_time()[1]["database"] == "unreachable"
    assert silent_database.asked() is first
