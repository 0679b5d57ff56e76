import pytest

from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from events.handling.registry import Registration
from events.handling.switches import is_switched_on, set_switch, set_switches, switches_by_bot, switches_of
from events.models import HandlerSwitch
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

ON = Registration("shop.greet", "*", print)
OFF = Registration("shop.survey", "*", print, enabled=False)


def test_without_an_operators_word_the_handlers_own_default_holds():
    assert is_switched_on(ON, {})
    assert not is_switched_on(OFF, {})


def test_operators_word_beats_the_default():
    assert not is_switched_on(ON, {ON.name: False})
    assert is_switched_on(OFF, {OFF.name: True})


def test_switch_is_of_one_bot_and_says_who_set_it():
    bot, other = make_bot(), make_bot()
    set_switch(bot=bot, handler=ON, is_on=False, actor=SYSTEM)

    assert switches_by_bot([bot.pk, other.pk]) == {bot.pk: {ON.name: False}, other.pk: {}}
    entry = AuditEntry.objects.get(action="handler.switched_off")
    assert (entry.app_id, entry.target, entry.actor) == (bot.app_id, ON.name, str(SYSTEM))


def test_what_is_so_already_is_not_set_again():
    bot = make_bot()
    set_switches(bot=bot, wanted={ON: True, OFF: True}, actor=SYSTEM)

    assert switches_of(bot.pk) == {OFF.name: True}
    assert HandlerSwitch.objects.count() == 1
