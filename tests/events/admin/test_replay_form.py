"""Operators replay one event, or all that match, after a look at how many there are."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.access.models import AuditEntry
from events.enums import EventStatus, ReplayMode, ReplayState, RunStatus
from events.models import ReplayJob
from tests.console.rows import Rows, make_event, make_rows, messages_of, page_of, text_of
from tests.events.admin.pages import LOG, MATCHING


def test_one_event_is_replayed_at_once(rows: Rows, as_owner: Client, handlers: None) -> None:
    address = reverse("admin:events_event_replay_one", args=[rows.event.pk])
    assert "Replay this event" in text_of(as_owner.get(address))
    answer = as_owner.post(address, {"mode": "failed"}, follow=True)
    assert "The event is being handled again." in messages_of(answer)
    rows.event.refresh_from_db()
    assert rows.event.status == EventStatus.DISPATCHED
    assert rows.event.handler_runs.get(is_current=True).round == 1
    assert "Operator · owner" in text_of(answer)
    assert AuditEntry.objects.get(action="replay.started").app_id == rows.bot.app_id


def test_an_event_without_failed_handlers_says_so(rows: Rows, as_owner: Client, handlers: None) -> None:
    rows.event.handler_runs.update(status=RunStatus.SUCCEEDED)
    address = reverse("admin:events_event_replay_one", args=[rows.event.pk])
    answer = as_owner.post(address, {"mode": "failed"}, follow=True)
    assert "nothing to replay" in messages_of(answer)[0]


def test_all_that_match_are_counted_first_and_replayed_in_the_background(
    rows: Rows, as_owner: Client, handlers: None, replays_hinted, django_capture_on_commit_callbacks
) -> None:
    make_event(rows.bot)
    make_rows()
    query = f"{MATCHING}?status__exact=dead"
    assert "2 events match" in text_of(as_owner.get(query))
    assert not ReplayJob.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_owner.post(query, {"mode": "all", "rate": 5})
    job = ReplayJob.objects.get()
    assert answer["Location"] == page_of("events_replayjob", job)
    assert (job.mode, job.rate, job.expected, job.state) == (ReplayMode.ALL, 5, 2, ReplayState.WAITING)
    assert job.criteria["bots"] == [str(rows.bot.pk)]
    assert len(replays_hinted) == 1


@pytest.mark.parametrize("values", [{"mode": "all"}, {"mode": "all", "rate": 0}, {"mode": "x", "rate": 5}])
def test_a_replay_needs_a_pace_and_a_choice(rows: Rows, as_owner: Client, values: dict[str, Any]) -> None:
    assert as_owner.post(MATCHING, values).status_code == 200
    assert not ReplayJob.objects.exists()


def test_ticked_events_are_replayed_by_name(rows: Rows, as_owner: Client) -> None:
    others = [make_event(rows.bot) for _ in range(2)]
    ticked = [rows.event.pk, others[0].pk]
    answer = as_owner.post(LOG, {"action": "replay_selected", "_selected_action": ticked})
    assert "2 events match" in text_of(as_owner.get(answer["Location"]))
    as_owner.post(answer["Location"], {"mode": "failed", "rate": 5})
    assert ReplayJob.objects.get().criteria["pks"] == sorted(ticked, reverse=True)
