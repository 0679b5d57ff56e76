import pytest

from bots.streaming import service
from tests.services.streamed import bot_of, streaming_sandbox


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(service, "END_PAUSES", (0.0,))


@pytest.fixture
def chat(settings):
    settings.PLATFORM_NETWORKS = ["loopback"]
    with streaming_sandbox() as opened:
        yield opened


@pytest.fixture
def bot(transactional_db, chat):
    return bot_of(chat)
