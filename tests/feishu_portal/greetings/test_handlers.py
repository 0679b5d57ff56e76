import pytest

from events.handling.registry import handler_named
from feishu_portal.greetings import handlers
from feishu_portal.greetings.service import HANDLERS
from tests.auth_sessions.arriving import arrived
from tests.factories import make_bot
from tests.feishu_portal.greetings.test_answering import payload


@pytest.mark.parametrize("name", [name for names in HANDLERS.values() for name in names])
def test_handler_is_off_until_something_is_set(name: str) -> None:
    handler = handler_named(name)
    assert handler is not None
    assert (handler.is_on, handler.atomic) == (False, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "event",
    [{}, {"chat_id": 1, "users": "x"}, {"chat_id": "oc_1", "users": [None, {"user_id": []}], "name": {}}],
)
def test_odd_event_is_left_alone(event: dict[str, object]) -> None:
    bot = make_bot()
    for number, handle in enumerate(
        (handlers.people_joined, handlers.bot_added, handlers.menu, handlers.welcome)
    ):
        handle(arrived(bot, payload("im.chat.member.user.added_v1", event, number)), bot)
