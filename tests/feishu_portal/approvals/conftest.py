import pytest

from bots.models import Bot
from feishu_portal.approvals.models import CallApproval
from tests.factories import make_bot
from tests.feishu_portal.api.messages import message_platform
from tests.feishu_portal.approvals.calls import ask_about


@pytest.fixture(autouse=True)
def notified(monkeypatch) -> list[tuple[object, ...]]:
    """Notifications end in a list instead of a broker."""
    messages: list[tuple[object, ...]] = []
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *message: messages.append(message))
    return messages


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.fixture
def approval(bot) -> CallApproval:
    """The question whether a task may be created; its card is there."""
    approval = ask_about(bot)
    CallApproval.objects.update(message_id="om_card", card_shows=1)
    approval.refresh_from_db()
    return approval


@pytest.fixture
def platform():
    """Takes messages and updates of cards."""
    with message_platform() as platform:
        yield platform
