import threading
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from core.metrics import facts
from core.metrics.facts import DatabaseFigures, Fact
from core.metrics.registry import Declaration
from feishu.text import Text
from tests.core.metrics.scraping import value
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def fact(read, name="feishu_tested"):
    return Fact((Declaration(name, "gauge", (), Text("", "Help"), is_read=True),), lambda: [read()])


def figures(collector):
    return {sample.name: sample.value for family in collector.collect() for sample in family.samples}


def test_database_is_asked_once_in_a_while_however_often_somebody_scrapes():
    asked, now = [], [0.0]

    def read():
        asked.append(1)
        return {(): float(len(asked))}

    collector = DatabaseFigures([fact(read)], clock=lambda: now[0])
    for now[0], expected in ((0.0, 1), (14.0, 1), (16.0, 2)):
        collector.refresh(seconds=60)
        assert figures(collector) == {"feishu_tested": expected}


def test_figures_that_cannot_be_read_cost_no_others_and_are_counted():
    def refuse():
        # What took too long leaves the connection as it was.
        connection.ensure_connection()
        raise OperationalError("canceling statement due to statement timeout")

    before = value("feishu_database_figures_failures_total", "feishu_broken")
    collector = DatabaseFigures([fact(refuse, "feishu_broken"), fact(lambda: {(): 1.0})])
    collector.refresh(seconds=60)
    assert figures(collector) == {"feishu_tested": 1.0}
    assert value("feishu_database_figures_failures_total", "feishu_broken") == before + 1
    assert value("feishu_database_up") == 1


def test_database_that_is_away_is_not_asked_for_one_figure_after_the_other(monkeypatch):
    asked = []

    def refuse():
        asked.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(facts, "connection", SimpleNamespace(is_usable=lambda: False, close=lambda: None))
    collector = DatabaseFigures([fact(refuse, "feishu_broken"), fact(refuse, "feishu_broken_too")])
    collector.refresh(seconds=60)
    assert (figures(collector), asked) == ({}, [1])
    assert value("feishu_database_up") == 0


def test_database_that_does_not_answer_holds_up_no_scrape():
    answered = threading.Event()
    collector = DatabaseFigures([fact(lambda: (answered.wait(PATIENCE) and {(): 1.0}) or {})])
    collector.refresh(seconds=0.05)
    assert figures(collector) == {}
    answered.set()
    collector.refresh(seconds=60)
    assert figures(collector) == {"feishu_tested": 1.0}


def test_old_figures_serve_for_a_while_where_new_ones_take_long():
    answered, now = threading.Event(), [0.0]
    answered.set()
    collector = DatabaseFigures(
        [fact(lambda: answered.wait(PATIENCE) and {(): now[0]})], clock=lambda: now[0]
    )
    collector.refresh(seconds=60)
    answered.clear()
    for now[0], expected in ((20.0, {"feishu_tested": 0.0}), (70.0, {})):
        collector.refresh(seconds=0.05)
        assert (figures(collector), value("feishu_database_up")) == (expected, float(bool(expected)))
    answered.set()
    collector.refresh(seconds=60)
    assert figures(collector) == {"feishu_tested": 70.0}
