from functools import partial
from types import SimpleNamespace

import pytest

from feishu_portal.approvals import tasks
from feishu_portal.approvals.enums import OPEN_STATES, ApprovalState
from feishu_portal.approvals.models import CallApproval

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(ApprovalState))
def test_sweep_looks_only_for_what_there_is(approval, monkeypatch, state) -> None:
    looked: list[str] = []

    def look(name: str) -> list[str]:
        looked.append(name)
        return []

    for name in ("expire", "give_up_interrupted", "to_send"):
        monkeypatch.setattr(tasks, name, partial(look, name))
    monkeypatch.setattr(tasks, "CARDS", SimpleNamespace(due=partial(look, "cards")))
    is_open = state in OPEN_STATES
    kept = {} if is_open else {"call": ""}
    CallApproval.objects.update(state=state, card_shows=approval.version, **kept)
    tasks.sweep()
    assert looked == (["expire", "give_up_interrupted", "to_send", "cards"] if is_open else [])
    looked.clear()
    CallApproval.objects.update(card_shows=approval.version - 1)
    tasks.sweep()
    assert looked[-1] == "cards"
