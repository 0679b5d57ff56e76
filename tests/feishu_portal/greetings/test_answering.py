"""What a chat gets, how often, and who wins."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.errors import TemplateError
from bots.models import Bot
from events.models import Event, HandlerSwitch
from feishu_portal.greetings import handlers
from feishu_portal.greetings.answering import BUILT_IN, Visit, greet
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeted, Greeting
from tests.auth_sessions.arriving import arrived
from tests.factories import make_bot, make_card_template
from tests.feishu_portal.api.messages import message_platform, sent_json

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return make_bot(name="Helper")


@pytest.fixture
def platform() -> Iterator[Any]:
    with message_platform() as platform:
        yield platform


def payload(event_type: str, event: dict[str, Any], number: int = 1) -> dict[str, Any]:
    header = {"event_id": f"e{number}", "event_type": event_type, "create_time": "1700000000000"}
    return {"schema": "2.0", "header": header | {"app_id": "cli_x", "tenant_key": "t"}, "event": event}


def joined(bot: Bot, number: int = 1, *names: str) -> Event:
    users = [{"name": name, "user_id": {"open_id": f"ou_{name}"}} for name in names or ("李雷",)]
    event = {"chat_id": "oc_1", "name": "Duty", "users": users}
    return arrived(bot, payload("im.chat.member.user.added_v1", event, number))


def set_up(bot: Bot, occasion: Occasion, **values: Any) -> Greeting:
    said = {} if values.get("template") else {"text": "Hello {{people}}, this is {{chat}}, says {{bot}}"}
    return Greeting.objects.create(bot=bot, occasion=occasion, **(said | values))


def contents(platform: Any) -> list[Any]:
    return [
        json.loads(sent_json(platform.sends, index)["content"]) for index in range(platform.sends.call_count)
    ]


def switch_off(bot: Bot, occasion: Occasion) -> None:
    HandlerSwitch.objects.create(bot=bot, handler=BUILT_IN[occasion], is_on=False)


def test_people_who_join_are_named(bot: Bot, platform: Any) -> None:
    greeting = set_up(bot, Occasion.PEOPLE_JOINED)
    event = joined(bot, 1, "李雷", "<at user_id='all'></at>")
    handlers.people_joined(event, bot)
    sent = sent_json(platform.sends)
    assert (sent["receive_id"], sent["msg_type"]) == ("oc_1", "text")
    assert sent["uuid"] == f"greeting-{greeting.pk}-{event.pk}"
    [content] = contents(platform)
    assert content["text"].startswith("Hello 李雷、")
    assert content["text"].endswith(", this is Duty, says Helper")
    assert "<" not in content["text"]


def test_chat_is_greeted_once_in_a_pause(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.PEOPLE_JOINED, pause_minutes=10)
    first, second, third = joined(bot, 1), joined(bot, 2), joined(bot, 3)
    Event.objects.filter(pk=third.pk).update(received_at=first.received_at + timedelta(minutes=11))
    third.refresh_from_db()
    for event in (first, second, third):
        handlers.people_joined(event, bot)
    assert platform.sends.call_count == 2
    assert Greeted.objects.get().event_pk == third.pk


def test_another_attempt_sends_under_the_same_key(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.PEOPLE_JOINED)
    event = joined(bot)
    handlers.people_joined(event, bot)
    handlers.people_joined(event, bot)
    assert len({sent_json(platform.sends, index)["uuid"] for index in range(platform.sends.call_count)}) == 1


def test_replayed_event_greets_nobody(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.PEOPLE_JOINED, pause_minutes=0)
    event = joined(bot)
    Event.objects.filter(pk=event.pk).update(received_at=timezone.now() - timedelta(hours=1))
    event.refresh_from_db()
    handlers.people_joined(event, bot)
    assert not platform.sends.called


def test_bot_that_is_added_shows_its_card(bot: Bot, platform: Any) -> None:
    template = make_card_template(bot, variables={"text": {"type": "text"}, "chat": {"type": "text"}})
    template.card = template.card.replace("{{text}}", "{{text}} {{chat}}")
    template.variables["text"]["default"] = "I am here."
    template.save()
    set_up(bot, Occasion.BOT_ADDED, template=template)
    added = payload("im.chat.member.bot.added_v1", {"chat_id": "oc_2", "name": "A*b"})
    handlers.bot_added(arrived(bot, added), bot)
    [card] = contents(platform)
    assert card["body"]["elements"][0]["content"] == "I am here. A&#42;b"


def test_card_that_lacks_a_value_fails_with_its_name(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.BOT_ADDED, template=make_card_template(bot))
    added = payload("im.chat.member.bot.added_v1", {"chat_id": "oc_2", "name": "Duty"})
    with pytest.raises(TemplateError, match="“text” is missing"):
        handlers.bot_added(arrived(bot, added), bot)
    assert not platform.sends.called


def entered(bot: Bot, last: str = "") -> Event:
    event = {"chat_id": "oc_1", "operator_id": {"open_id": "ou_new"}, "last_message_id": last}
    return arrived(bot, payload("im.chat.access_event.bot_p2p_chat_entered_v1", event))


def test_portals_own_greeting_wins_where_it_is_on(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.WELCOME, text="Hello")
    handlers.welcome(entered(bot), bot)
    assert not platform.sends.called


def test_newcomer_gets_one_welcome_however_the_client_says_it(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.WELCOME, text="Hello")
    switch_off(bot, Occasion.WELCOME)
    created = {
        "uuid": "u1", "token": "", "ts": "1700000000.0", "type": "event_callback",
        "event": {"type": "p2p_chat_create", "app_id": "cli_x", "tenant_key": "t", "chat_id": "oc_1",
                  "user": {"open_id": "ou_new", "name": "李雷"}},
    }  # fmt: skip
    handlers.welcome_created(arrived(bot, created), bot)
    handlers.welcome(entered(bot), bot)
    assert contents(platform) == [{"text": "Hello"}]


def test_who_wrote_before_is_not_welcomed(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.WELCOME, text="Hello")
    switch_off(bot, Occasion.WELCOME)
    handlers.welcome(entered(bot, "om_1"), bot)
    assert not platform.sends.called


def chosen(bot: Bot, key: str, number: int = 1) -> Event:
    operator = {"operator_name": "李雷", "operator_id": {"open_id": "ou_1"}}
    return arrived(bot, payload("application.bot.menu_v6", {"operator": operator, "event_key": key}, number))


def test_entry_of_the_menu_is_answered_each_time(bot: Bot, platform: Any) -> None:
    set_up(bot, Occasion.MENU, menu_key="opening_hours", text="9 to 5, {{people}}")
    for number in (1, 2):
        handlers.menu(chosen(bot, "opening_hours", number), bot)
    handlers.menu(chosen(bot, "other", 3), bot)
    assert contents(platform) == [{"text": "9 to 5, 李雷"}] * 2
    assert sent_json(platform.sends)["receive_id"] == "ou_1"


@pytest.mark.parametrize(("is_off", "sent"), [(False, 0), (True, 1)])
def test_command_in_the_menu_stays_the_portals(bot: Bot, platform: Any, is_off: object, sent: int) -> None:
    set_up(bot, Occasion.MENU, menu_key="/auth", text="Mine")
    if is_off:
        switch_off(bot, Occasion.MENU)
    handlers.menu(chosen(bot, "/auth"), bot)
    assert platform.sends.call_count == sent


def test_nothing_is_sent_where_nothing_is_set(bot: Bot, platform: Any) -> None:
    set_up(make_bot(), Occasion.PEOPLE_JOINED)
    set_up(bot, Occasion.PEOPLE_JOINED, enabled=False)
    handlers.people_joined(joined(bot), bot)
    greet(joined(bot, 2), bot, Occasion.BOT_ADDED, Visit(""))
    assert not platform.sends.called
