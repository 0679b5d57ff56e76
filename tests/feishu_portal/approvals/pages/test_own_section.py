"""Approvals for an hour on the person's own page."""

import pytest
from django.test import Client

from core.access.models import AuditEntry
from feishu_portal.approvals.decisions import approve
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval
from tests.auth_sessions.domain.test_self_service import opened

pytestmark = pytest.mark.django_db


def ending(approval: CallApproval) -> str:
    return f"/oauth/my/approvals/{approval.pk}/end/"


def test_person_sees_what_was_approved_for_an_hour_and_ends_it(approval) -> None:
    browser = opened(approval.bot)
    assert 'data-testid="approvals"' not in browser.get("/oauth/my/").text
    approve(approval, kind=Approved.HOUR)
    shown = browser.get("/oauth/my/").text
    for words in (
        "assistant",
        "Create a task",
        "POST /open-apis/task/v2/tasks",
        "id=ou_lin",
        ending(approval),
    ):
        assert words in shown, words
    assert (
        "You are asked about such calls again" in browser.post(ending(approval), REMOTE_ADDR="192.0.2.7").text
    )
    assert not CallApproval.objects.standing().exists()
    entry = AuditEntry.objects.get(action="approval.hour_ended")
    assert (entry.actor, entry.address) == ("user:ou_asked", "192.0.2.7")
    assert ending(approval) not in browser.get("/oauth/my/").text
    assert browser.post(ending(approval)).status_code == 200, "clicked twice"
    assert AuditEntry.objects.filter(action="approval.hour_ended").count() == 1


def test_stranger_sees_and_ends_nothing(approval) -> None:
    approve(approval, kind=Approved.HOUR)
    stranger = opened(approval.bot, "ou_stranger")
    assert ending(approval) not in stranger.get("/oauth/my/").text
    stranger.post(ending(approval))
    assert Client().post(ending(approval)).status_code == 410
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = opened(approval.bot).cookies
    assert forged.post(ending(approval)).status_code == 403
    assert CallApproval.objects.standing().count() == 1
