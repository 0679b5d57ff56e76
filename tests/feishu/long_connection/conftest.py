from collections.abc import AsyncIterator

import pytest

from tests.feishu.long_connection.fake_gateway import Diary, FakeGateway


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as fake:
        yield fake


@pytest.fixture
async def diary() -> Diary:
    return Diary()
