from collections.abc import AsyncIterator

import pytest

from bots.database_thread import DatabaseThread


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    """For async tests: ``await database.run(make_bot)``."""
    thread = DatabaseThread("test-db")
    yield thread
    await thread.close()
