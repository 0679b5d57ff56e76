import pytest

from tests.feishu_portal.api.messages import message_platform


@pytest.fixture
def platform():
    """Takes messages and updates of cards."""
    with message_platform() as platform:
        yield platform
