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
from feishu_portal.runtime import health


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


async def test_probe_needs_none_of_the_threads_that_loops_share(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 60.0)
    monkeypatch.setattr(health, "_database", lambda: "ok")
    loop, ended = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, ended.wait, 60)
    try:
        async with asyncio.timeout(30):
            assert await health._database_in_time() == "ok"
    finally:
        ended.set()
        await busy


async def test_database_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    ended = asyncio.Event()

    async def get_response(_request):
        return HttpResponse()

    async def hang():
        await ended.wait()
        return "ok"

    monkeypatch.setattr(health, "sync_to_async", lambda *_args, **_options: hang)
    answer = await asyncio.wait_for(
        health.answer_probes(get_response)(RequestFactory().get(health.READY)), 10
    )
    assert answer.status_code == 503
    ended.set()
