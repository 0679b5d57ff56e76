import pytest
from django.test import Client

from core.access.models import AuditEntry
from feishu.codes import explain
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.decisions import approve
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval
from tests.console.rows import list_of, page_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "approvals_callapproval"


def test_page_says_who_approved_what_and_what_came_of_it(approval, as_superuser: Client) -> None:
    approve(approval, kind=Approved.HOUR)
    finish(claim(approval.pk), CallOutcome(status=200, code=0, log_id="log-of-the-call"))
    CallApproval.objects.update(covered=3)
    shown = text_of(as_superuser.get(page_of(PAGE, approval)))
    for words in (
        "POST /open-apis/task/v2/tasks", "ask POST /open-apis/**", "id=ou_lin", "ou_asked", "assistant", "HTTP 200, 0",
        "log-of-the-call", approval.body_hash,
    ):  # fmt: skip
        assert words in shown, words
    assert "写周报" not in shown
    assert "further calls: 3" in shown or "其后的调用：3" in shown


def test_page_says_why_the_platform_refused_and_what_helps(approval, as_superuser: Client) -> None:
    approve(approval, kind=Approved.ONCE)
    finish(claim(approval.pk), CallOutcome(status=400, code=99991679, log_id="log-of-the-call"))
    info = explain(99991679)
    shown = text_of(as_superuser.get(page_of(PAGE, approval)))
    assert "HTTP 400, 99991679" in shown
    assert any(text in shown for text in (info.cause.zh_cn, info.cause.en_us))
    assert any(text in shown for text in (info.cure.zh_cn, info.cure.en_us))


def test_page_of_one_that_waits_shows_nothing_that_does_not_apply_yet(approval, as_superuser: Client) -> None:
    parts = as_superuser.get(page_of(PAGE, approval)).context["adminform"].fieldsets
    shown = {name for _title, part in parts for name in part["fields"]}
    later = {"decided", "approved_shown", "covers", "sent", "ended", "outcome", "log", "trouble"}
    assert later.isdisjoint(shown)
    assert {"asked_in_full", "expires", "body", "message"} <= shown


def test_operator_ends_an_hour_and_the_audit_log_says_who(approval, as_superuser: Client) -> None:
    button = page_of(PAGE, approval, "end_hour")
    assert button not in text_of(as_superuser.get(page_of(PAGE, approval))), "there is none to end"
    approve(approval, kind=Approved.HOUR)
    assert button in as_superuser.get(page_of(PAGE, approval)).text
    assert as_superuser.get(button).status_code == 200
    assert CallApproval.objects.standing().count() == 1
    for _click in range(2):
        assert as_superuser.post(button).status_code == 302
    assert not CallApproval.objects.standing().exists()
    assert AuditEntry.objects.get(action="approval.hour_ended").actor.startswith("operator:")


def test_list_is_searched_by_person_and_client(approval, as_superuser: Client) -> None:
    for words, found in (("ou_asked", 1), ("assistant", 1), ("ou_other", 0)):
        changes = as_superuser.get(list_of(PAGE), {"q": words}).context["cl"]
        assert len(changes.result_list) == found, words


def test_approval_is_nobodys_to_change(approval, as_superuser: Client) -> None:
    assert as_superuser.get(page_of(PAGE, approval, "delete")).status_code == 403
    as_superuser.post(page_of(PAGE, approval), {"state": "approved"})
    approval.refresh_from_db()
    assert approval.state == "asked"
