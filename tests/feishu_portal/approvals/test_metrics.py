"""Approvals are counted by how they end, when that is committed."""

import pytest

from feishu_portal.approvals.asking import is_covered
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval
from tests.core.metrics.scraping import value
from tests.feishu_portal.approvals.calls import ask_about, question_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_series")]


def test_ends_are_counted_by_outcome(approval, django_capture_on_commit_callbacks) -> None:
    other = ask_about(approval.bot, {"summary": "another"})
    with django_capture_on_commit_callbacks(execute=True):
        deny(other)
        deny(other)
        approve(approval, kind=Approved.HOUR)
        finish(claim(approval.pk), CallOutcome(status=400, code=1470400))
    assert CallApproval.objects.filter(state="done").count() == 1
    question, _call = question_of(approval.bot)
    assert is_covered(question)
    counted = {
        how: value("feishu_approvals_total", approval.bot.app_id, how)
        for how in ("denied", "refused", "covered")
    }
    assert counted == {"denied": 1, "refused": 1, "covered": 1}
