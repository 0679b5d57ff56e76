import pytest

from feishu_portal.alerts.models import AlertReceiver
from tests.feishu_portal.alerts.messages import make_receiver
from tests.feishu_portal.api.messages import message_platform


@pytest.fixture(autouse=True)
def no_broker(monkeypatch) -> list[tuple[object, ...]]:
    """Notifications end in a list instead of a broker."""
    notified: list[tuple[object, ...]] = []
    monkeypatch.setattr("feishu_portal.alerts.notify.notify", lambda *message: notified.append(message))
    return notified


@pytest.fixture
def receiver(db) -> AlertReceiver:
    return make_receiver()


@pytest.fixture
def platform():
    """Takes messages and updates of cards."""
    with message_platform() as platform:
        yield platform
