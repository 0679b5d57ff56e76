"""Registering handlers: what is right, and what a process refuses to start with."""

from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured

from events.handling.registry import check_handlers, handler_named, known_handlers, on, on_card

pytestmark = pytest.mark.usefixtures("own_handlers")


def handle(event, bot): ...


def another(event, bot): ...


def handler_of(event_type):
    def inner(event, bot): ...

    return inner


class Greeter:
    def __call__(self, event, bot): ...


def faults() -> list[str]:
    with pytest.raises(ImproperlyConfigured) as raised:
        check_handlers()
    return str(raised.value).splitlines()


def test_handler_is_named_by_its_path_unless_it_has_a_name():
    on("im.message.*")(handle)
    on("contact.*", name="directory")(another)
    check_handlers()
    assert [handler.name for handler in known_handlers()] == [f"{__name__}.handle", "directory"]
    assert handler_named("directory").function is another


@pytest.mark.parametrize("function", [partial(handle), Greeter(), lambda event, bot: None], ids=type)
def test_callable_without_a_lasting_path_works_with_a_name_and_is_refused_without_one(function):
    on("im.message.*", name="greeter")(function)
    check_handlers()
    with pytest.raises(ImproperlyConfigured, match=r"registered at .*test_registry:\d+ has no name.*name="):
        on("im.message.*")(function)


def test_one_function_for_two_patterns_needs_two_names():
    on("im.message.*", name="messages")(handle)
    on("im.chat.*", name="chats")(handle)
    check_handlers()


@pytest.mark.parametrize(
    "functions", [(handle, handle), (handler_of("a"), handler_of("b"))], ids=["twice", "factory"]
)
def test_two_handlers_of_one_name_are_refused_with_both_places(functions):
    for pattern, function in zip(("a", "b"), functions, strict=True):
        on(pattern)(function)
    on("c", name=known_handlers()[0].name)(another)
    [second, third] = faults()
    place = known_handlers()[0].place
    assert place.startswith(f"{__name__}:")
    assert place in second
    assert place in third
    assert len(known_handlers()) == 1


def test_name_of_a_click_handler_is_unique_too():
    on("a", name="approve")(handle)
    on_card("approve", name="approve")(another)
    assert "has the name approve" in faults()[0]


def test_two_handlers_of_one_action_are_refused_with_both_places():
    on_card("approve")(handle)
    on_card("approve")(another)
    [fault] = faults()
    assert fault.count(f"{__name__}:") == 2
    assert '"approve"' in fault


@pytest.mark.parametrize("event_type", ["card.action.trigger", "card.action.trigger_v1"])
def test_click_is_for_on_card_alone(event_type):
    on(event_type)(handle)
    assert "only on_card takes" in faults()[0]


def test_two_handlers_of_one_callback_are_refused():
    on("url.preview.get")(handle)
    on("url.preview.get")(another)
    assert "a callback has one answer" in faults()[0]


def test_what_cannot_be_called_is_refused():
    on("a", name="nothing")(None)
    assert faults() == [f"The handler registered at {known_handlers()[0].place} cannot be called."]


def test_everything_that_is_wrong_is_told_at_once():
    on("a")(handle)
    on("b")(handle)
    on("c", name=" spaces ")(another)
    assert len(faults()) == 2


def test_handler_registered_wrongly_after_the_start_is_refused_at_once():
    on("a")(handle)
    check_handlers()
    with pytest.raises(ImproperlyConfigured, match="has the name"):
        on("b")(handle)


def test_handler_whose_setting_does_not_exist_is_off(settings):
    on("a", enabled="NO_SUCH_SETTING")(handle)
    [handler] = known_handlers()
    assert not handler.is_on
    settings.NO_SUCH_SETTING = True
    assert handler.is_on


@pytest.mark.parametrize("pattern", ["im.message.*", "im.message.updated_v1", "*"])
def test_handler_of_other_events_than_messages_asks_for_none_that_are_for_the_bot(pattern):
    on("im.message.receive_v1", name="messages", addressed=True)(handle)
    on(pattern, name="others", addressed=True)(another)
    [fault] = faults()
    assert f"is for {pattern}: leave addressed out" in fault
