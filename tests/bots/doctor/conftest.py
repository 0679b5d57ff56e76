from collections.abc import Iterator

import pytest
import respx

from bots.models import Bot
from tests.bots.doctor.patient import SECRET, PlatformAnswers
from tests.factories import PLATFORM, connect_slots, make_bot


@pytest.fixture(autouse=True)
def public_url(settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.com"


@pytest.fixture(autouse=True)
def agreeing_clock(monkeypatch) -> None:
    """Answers made up by tests carry no date."""
    monkeypatch.setattr("bots.doctor.portal.platform_clock.offset", lambda: 0.3)


@pytest.fixture
def bot() -> Bot:
    bot = make_bot(app_secret=SECRET, auth_scopes=["offline_access", "docx:document:readonly"])
    connect_slots(bot.slots)
    return bot


@pytest.fixture
def platform(bot) -> Iterator[PlatformAnswers]:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        yield PlatformAnswers(router, bot)
