import pytest

from bots.enums import GroupPolicy
from bots.errors import TooManyExceptionsError
from bots.groups import service
from bots.groups.service import set_group_policies
from bots.models import Bot, GroupException
from bots.service import delete_bot, save_bot
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

LIN = Actor("operator", "lin")


def put(bot, names=None, **wanted):
    return set_group_policies(bot=bot, wanted=wanted, names=names or {}, actor=LIN)


def entries():
    return [
        (entry.actor, entry.target, entry.detail["chat_id"], entry.detail["values"]["group_policy"])
        for entry in AuditEntry.objects.filter(action="bot.group_policy_set").order_by("pk")
    ]


def test_exception_is_set_changed_and_removed_each_with_what_was_before():
    bot = make_bot()
    assert put(bot, {"oc_1": "Duty"}, oc_1=GroupPolicy.NEVER) == 1
    assert put(bot, oc_1=GroupPolicy.EVERY_MESSAGE) == 1
    row = GroupException.objects.get(bot=bot, chat_id="oc_1")
    assert (row.policy, row.name, row.changed_by) == ("every_message", "Duty", "operator:lin")
    assert put(bot, oc_1=None) == 1
    assert not GroupException.objects.exists()
    assert entries() == [
        ("operator:lin", "Duty", "oc_1", [None, "never"]),
        ("operator:lin", "Duty", "oc_1", ["never", "every_message"]),
        ("operator:lin", "Duty", "oc_1", ["every_message", None]),
    ]


def test_what_is_so_already_is_no_change():
    bot = make_bot()
    put(bot, oc_1=GroupPolicy.NEVER)
    assert put(bot, oc_1=GroupPolicy.NEVER, oc_2=None) == 0
    assert [target for _actor, target, *_values in entries()] == ["oc_1"]


def test_bot_knows_whether_there_are_exceptions():
    bot = make_bot()
    for wanted, is_so in (
        ({"oc_1": GroupPolicy.NEVER, "oc_2": GroupPolicy.NEVER}, True),
        ({"oc_1": None}, True),
        ({"oc_2": None}, False),
    ):
        put(bot, **wanted)
        assert bot.has_group_exceptions == Bot.objects.get(pk=bot.pk).has_group_exceptions == is_so


def test_form_of_the_bot_that_was_opened_before_forgets_no_exception():
    bot = make_bot()
    opened = Bot.objects.get(pk=bot.pk)
    put(bot, oc_1=GroupPolicy.NEVER)
    save_bot(opened, changed=["name"], actor=SYSTEM)
    assert Bot.objects.get(pk=bot.pk).has_group_exceptions


def test_bot_has_a_bounded_number_of_exceptions(monkeypatch):
    monkeypatch.setattr(service, "MAX_EXCEPTIONS", 1)
    bot = make_bot()
    with pytest.raises(TooManyExceptionsError):
        put(bot, oc_1=GroupPolicy.NEVER, oc_2=GroupPolicy.NEVER)
    assert (GroupException.objects.count(), entries()) == (0, [])


def test_exceptions_go_with_their_bot():
    bot, other = make_bot(), make_bot()
    for one in (bot, other):
        put(one, oc_1=GroupPolicy.NEVER)
    delete_bot(bot, actor=SYSTEM)
    bot.delete()
    assert GroupException.objects.get().bot == other
