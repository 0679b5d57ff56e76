"""Every index costs each write: here stands the statement that needs it."""

import uuid

from django.utils import timezone

from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.models import CallApproval
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()
NOW = timezone.now()

STATEMENTS: dict[str, Statement] = {
    # The list in the console, and removing a bot.
    "approval_of_bot": lambda: CallApproval.objects.filter(bot=ID).order_by("-asked_at")[:100],
    # How many of a client wait for their people.
    "approval_of_client": lambda: CallApproval.objects.filter(client=1, state=ApprovalState.ASKED),
    "approval_by_age": lambda: CallApproval.objects.filter(asked_at__lt=NOW).order_by("asked_at"),
    # A person's own page.
    "approval_of_person": lambda: CallApproval.objects.standing().filter(bot=ID, open_id="ou").order_by("-asked_at"),
    # A call: whether it was denied lately, whether an hour covers it, whether it waits already.
    "approval_of_call": lambda: CallApproval.objects.filter(
        call_hash="h", state=ApprovalState.DENIED, decided_at__gt=NOW
    ),
    "approval_for_an_hour": lambda: CallApproval.objects.standing().filter(scope_hash="h", client=1),
    "approval_open_once": lambda: CallApproval.objects.filter(call_hash="h").open(),
    # The sweep: what nobody answered, answers that are forgotten, cards.
    "approval_open": lambda: CallApproval.objects.to_expire().order_by("expires_at")[:50],
    "approval_answer": lambda: CallApproval.objects.filter(finished_at__lt=NOW).exclude(answer="").order_by("finished_at"),
    "approval_card_old": lambda: CallApproval.objects.card_out_of_date().order_by("card_retry_at")[:1],
}  # fmt: skip


def test_every_index_has_a_statement_that_needs_it():
    assert declared("approvals").keys() == STATEMENTS.keys()
    assert astray("approvals", STATEMENTS) == []
