"""A page of events is read in short at once."""

import pytest
from pytest_django import DjangoAssertNumQueries

from events.log.summaries import MAX_READ, read_summaries
from events.models import Event
from feishu.event_summary import NOTHING, EventSummary
from tests.events.handler_runs import stored_event
from tests.factories import message_event

pytestmark = pytest.mark.django_db


def test_page_of_events_without_payloads_is_read_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(3):
        stored_event(message_event(text=f"good morning {number}", open_id="ou_fang"))
    rows = list(Event.objects.defer("payload").order_by("pk"))
    with django_assert_num_queries(1):
        read_summaries(rows)
        found = [row.summary for row in rows]
    assert found == [
        EventSummary("ou_fang", "oc_1", "p2p", "text", f"good morning {number}") for number in range(3)
    ]
    assert [row.summary for row in Event.objects.order_by("pk")] == found


def test_payload_that_is_too_large_for_a_list_is_left_unread() -> None:
    large = stored_event(message_event(text="x" * MAX_READ))
    read_summaries([large])
    assert large.summary == NOTHING
    assert Event.objects.get(pk=large.pk).summary.sender == "ou_asked"
