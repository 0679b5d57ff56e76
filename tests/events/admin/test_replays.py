"""Replays show how far they have come to who requested them."""

from django.test import Client
from django.urls import reverse

from events.enums import ReplayState
from events.models import ReplayJob
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.events.admin.pages import MATCHING


def test_a_replay_shows_its_progress_to_who_asked_and_can_be_cancelled(
    rows: Rows, as_owner: Client, as_stranger: Client
) -> None:
    as_owner.post(MATCHING, {"mode": "failed", "rate": 5})
    job = ReplayJob.objects.get()
    page, cancel = page_of("events_replayjob", job), reverse("admin:events_replayjob_cancel", args=[job.pk])
    html = text_of(as_owner.get(page))
    assert "0 replayed, 0 skipped, of 1" in html
    assert "data-reload" in html
    assert cancel in html
    assert as_stranger.get(page).status_code == as_stranger.post(cancel).status_code == 404
    assert job not in as_stranger.get(list_of("events_replayjob")).context["cl"].result_list
    as_owner.post(cancel)
    job.refresh_from_db()
    assert job.state == ReplayState.CANCELLED
    html = text_of(as_owner.get(page))
    assert "data-reload" not in html
    assert cancel not in html
