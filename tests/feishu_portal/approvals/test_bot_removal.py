import pytest

from feishu_portal.approvals.bot_removal import remove_approvals
from feishu_portal.approvals.models import CallApproval
from tests.factories import make_bot
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


def test_approvals_go_with_their_bot(approval) -> None:
    other = ask_about(make_bot())
    assert remove_approvals(approval.bot)
    assert list(CallApproval.objects.all()) == [other]
