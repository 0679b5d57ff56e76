import pytest

from bots.models import Bot
from tests.factories import make_bot


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()
