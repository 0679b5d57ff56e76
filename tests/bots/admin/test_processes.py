"""The page of the processes: what it warns of, and for whom it is."""

import pytest
from django.test import Client

from bots.enums import ProcessKind, ProcessPart
from tests.bots.processes.fleets import heard
from tests.console.rows import list_of, page_of, text_of
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

PAGE = list_of("bots_fleetprocess")


@pytest.fixture
def boss() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_operator(superuser=True))
    return client


def test_page_shows_how_each_process_is(boss):
    heard(ProcessKind.RUNPORTAL)
    heard(ProcessKind.WORKER, name="app-2:7", seconds_ago=120)
    heard(ProcessKind.BEAT, name="app-3:8", stalled=[ProcessPart.SCHEDULE])
    html = text_of(boss.get(PAGE))
    for word in ("app-2:7", "Working", "Silent", "Stands still"):
        assert word in html
    assert 'data-testid="versions"' not in html
    assert 'data-testid="missing"' not in html


def test_page_warns_of_different_versions_of_those_that_run(boss):
    heard(ProcessKind.RUNPORTAL, version="0.1.0")
    heard(ProcessKind.WORKER, version="0.0.9", seconds_ago=120)
    assert 'data-testid="versions"' not in text_of(boss.get(PAGE))
    heard(ProcessKind.WEB, version="0.2.0")
    assert "0.1.0, 0.2.0" in text_of(boss.get(PAGE))


def test_page_says_what_nobody_does_and_the_cure(boss):
    make_bot()
    heard(ProcessKind.RUNFEISHU)
    heard(ProcessKind.WORKER)
    html = text_of(boss.get(PAGE))
    assert html.count('data-testid="missing"') == 1
    assert "celery -A feishu_portal beat" in html


def test_page_of_one_process_names_the_part_that_stands_still(boss):
    process = heard(ProcessKind.WORKER, stalled=[ProcessPart.HANDLERS])
    assert "running handlers" in text_of(boss.get(page_of("bots_fleetprocess", process)))


def test_operator_of_some_bots_sees_no_processes():
    process = heard(ProcessKind.WORKER)
    client = Client()
    client.force_login(make_operator())
    assert client.get(PAGE).status_code == 403
    assert client.get(page_of("bots_fleetprocess", process)).status_code == 403
    assert PAGE not in text_of(client.get("/admin/"))
