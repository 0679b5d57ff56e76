"""Every handler says what it does, the portal's own in both languages."""

from functools import partial

import pytest
from django.contrib import admin
from django.utils.translation import override

from events.handling import registry
from events.handling.descriptions import MAX_LINE, description_of, is_built_in, owner_of
from events.handling.registry import Registration, known_handlers

PRODUCT = ("events.", "auth_sessions.", "feishu_portal.")


def of_product() -> list[Registration]:
    admin.autodiscover()
    return [one for one in known_handlers() if one.function.__module__.startswith(PRODUCT)]


def test_every_handler_of_the_portal_is_described_in_both_languages():
    handlers = of_product()
    assert len(handlers) > 15
    for handler in handlers:
        assert is_built_in(handler), handler.name
        with override("en"):
            english = str(description_of(handler).does)
        with override("zh-hans"):
            assert str(description_of(handler).does) != english, handler.name


def test_handler_of_a_command_says_what_is_lost_without_it():
    [handler] = [one for one in of_product() if one.name == "auth_sessions.handlers.answer_command"]
    with override("en"):
        assert "/auth" in str(description_of(handler).without)
    assert owner_of(handler) == "auth_sessions"


def documented(event, bot):
    """Prints labels.

    Second paragraph.
    """


def undocumented(event, bot): ...


@pytest.mark.parametrize(
    ("function", "does"),
    [(documented, "Prints labels."), (undocumented, ""), (partial(undocumented, None), None)],
)
def test_other_handlers_are_described_by_the_first_line_of_their_authors(function, does, own_handlers):
    registry.on("im.message.receive_v1", name="shop.label")(function)
    [handler] = known_handlers()
    assert not is_built_in(handler)
    assert does is None or description_of(handler).does == does
    assert len(str(description_of(handler).does)) <= MAX_LINE
    assert owner_of(handler)
