import pytest

from core.database.among import among
from core.database.sql import ask
from events.enums import RunStatus
from events.models import HandlerRun
from events.models.claims import WAITING
from tests.events.handler_runs import stored_event

pytestmark = pytest.mark.django_db


def test_rows_with_one_of_the_constants_are_found():
    event = stored_event()
    for status in (RunStatus.PENDING, RunStatus.RETRYING, RunStatus.DEAD):
        HandlerRun.objects.create(event=event, bot=event.bot, handler=status, status=status)
    found = HandlerRun.objects.filter(among("status", WAITING))
    assert set(found.values_list("handler", flat=True)) == {"pending", "retrying"}
    assert HandlerRun.objects.exclude(among("status", WAITING)).get().handler == "dead"
    assert HandlerRun.objects.filter(among("event__status", ("received",))).count() == 3


@pytest.mark.parametrize("value", ["", "it's", "a b", "%s", "x;", "名"])
def test_what_is_no_constant_is_refused(value):
    with pytest.raises(ValueError, match="no constant"):
        among("status", ("pending", value))


@pytest.mark.only_on("sqlite")
def test_partial_index_is_used_where_parameters_would_read_the_table():
    event = stored_event()

    def plan(rows) -> str:
        sql, parameters = rows.filter(bot=event.bot_id, run_at__lte=event.received_at).query.sql_with_params()
        return " ".join(step for *_ids, step in ask(f"EXPLAIN QUERY PLAN {sql}", parameters))

    assert "USING INDEX run_due" in plan(HandlerRun.objects.filter(among("status", WAITING)))
    assert "USING INDEX run_due" not in plan(HandlerRun.objects.filter(status__in=WAITING))
