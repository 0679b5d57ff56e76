import pytest

from events.handling.registry import handler_named
from feishu_portal.greetings import handlers
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.service import HANDLERS
from tests.auth_sessions.arriving import arrived
from tests.factories import make_bot
from tests.feishu_portal.api.messages import message_platform, sent_json
from tests.feishu_portal.greetings.test_answering import payload, set_up


@pytest.mark.parametrize("name", [name for names in HANDLERS.values() for name in names])
def test_handler_is_off_until_something_is_set(name: str) -> None:
    handler = handler_named(name)
    assert handler is not None
    assert (handler.is_on, handler.atomic) == (False, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "greeted"),
    [
        ({}, 0),
        ({"chat_id": 1, "users": "x"}, 0),
        ({"chat_id": ["oc_1"], "operator": "x", "operator_id": 1, "event_key": []}, 0),
        ({"chat_id": "oc_1", "users": [None, {"user_id": []}], "name": {}}, 2),
    ],
)
def test_odd_event_greets_its_chat_without_names_or_nobody(event: dict[str, object], greeted: int) -> None:
    bot = make_bot(name="Helper")
    for occasion in Occasion:
        set_up(bot, occasion)
    handled = (handlers.people_joined, handlers.bot_added, handlers.menu, handlers.welcome)
    with message_platform() as platform:
        for number, handle in enumerate(handled):
            handle(arrived(bot, payload("im.chat.member.user.added_v1", event, number)), bot)
        sent = [sent_json(platform.sends, index) for index in range(platform.sends.call_count)]
    assert [one["receive_id"] for one in sent] == ["oc_1"] * greeted
    assert {one["content"] for one in sent} <= {'{"text":"Hello , this is , says Helper"}'}
