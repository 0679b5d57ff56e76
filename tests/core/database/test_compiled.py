import pytest
from django.db.models import Q, QuerySet

from bots.models import Bot, FleetProcess
from core.database.clock import DatabaseTime
from core.database.compiled import AnyRows, Compiled
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def _processes() -> QuerySet[FleetProcess, tuple[object, ...]]:
    columns = ("name", "id", "seen_at", "only", "draining", "clock_offset")
    return FleetProcess.objects.filter(seen_at__gt=DatabaseTime(-60)).order_by("name").values_list(*columns)


def test_rows_are_those_of_the_queryset_whenever_they_are_asked_for():
    compiled = Compiled(_processes)
    assert compiled.rows() == []
    for name in ("b", "a"):
        FleetProcess.objects.create(name=name, seen_at=DatabaseTime(), only=["cli_1"], clock_offset=0.5)
    FleetProcess.objects.create(name="old", seen_at=DatabaseTime(-61))
    assert compiled.rows() == list(_processes())
    assert [row[0] for row in compiled.rows()] == ["a", "b"]


def test_queryset_is_written_once(django_assert_num_queries):
    asked = []

    def bots() -> QuerySet[Bot, tuple[object, ...]]:
        asked.append(1)
        return Bot.objects.values_list("name")

    compiled = Compiled(bots)
    make_bot(name="one")
    with django_assert_num_queries(2):
        assert compiled.rows() == compiled.rows() == [("one",)]
    assert len(asked) == 1


def test_one_statement_tells_which_querysets_have_rows(django_assert_num_queries):
    named = AnyRows(
        one=lambda: Bot.objects.filter(name="one"),
        two=lambda: Bot.objects.filter(Q(name="two") | Q(name="%")).order_by("name"),
    )
    assert named.found() == frozenset()
    bot = make_bot(name="one")
    with django_assert_num_queries(1):
        assert named.found() == {"one"}
    make_bot(name="%")
    assert named.found() == {"one", "two"}
    Bot.objects.filter(pk=bot.pk).update(name="two")
    assert named.found() == {"two"}
