from collections.abc import AsyncIterator

import pytest

from bots.database_thread import DatabaseThread
from events import registry


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    """For async tests: ``await database.run(make_bot)``."""
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()


@pytest.fixture
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Handlers of the product stay out of the way, and whatever a test registers is forgotten after it. The list is for
    what a test's handlers did."""
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_card_handlers", {})
    return []
