"""The audit log: who acted by key and by name, and who may read which entries."""

import pytest

from bots.service import BotChanges, delete_bot, put_bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.access.models import ApiClient, AuditEntry
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def test_entry_keeps_the_name_of_an_operator_whose_account_is_deleted() -> None:
    lin = make_operator("lin")
    entry = audit.record(actor=Actor.operator(lin), action="bot.updated")
    assert (entry.operator_id, entry.client_id) == (lin.pk, None)
    lin.delete()
    entry.refresh_from_db()
    assert (entry.actor, entry.operator_id) == ("operator:lin", None)


def test_entry_keeps_the_name_of_an_api_client_that_is_deleted() -> None:
    crm = ApiClient.objects.create(name="CRM", key_hash="0")
    entry = audit.record(actor=Actor.api(crm), action="replay.started")
    assert (entry.operator_id, entry.client_id) == (None, crm.pk)
    crm.delete()
    entry.refresh_from_db()
    assert (entry.actor, entry.client_id) == ("api:CRM", None)


def test_who_adds_the_app_of_a_deleted_bot_sees_nothing_of_what_was_done_before() -> None:
    before, after = make_operator(), make_operator()
    bot = make_bot()
    bot.owners.add(before)
    created = AuditEntry.objects.get(bot_id=bot.pk)
    assert list(AuditEntry.objects.visible_to(before)) == [created]
    delete_bot(bot, actor=SYSTEM)
    changes = BotChanges({"name": "Again", "app_secret": "another secret"})
    again, _is_new = put_bot(app_id=created.app_id, changes=changes, actor=SYSTEM)
    again.owners.add(after)
    assert not AuditEntry.objects.visible_to(before).exists()
    assert {entry.bot_id for entry in AuditEntry.objects.visible_to(after)} == {again.pk}


def test_each_bot_of_one_action_has_an_entry_of_its_own() -> None:
    bots = [make_bot(), make_bot()]
    audit.record_each([(bot, bot.name) for bot in bots], actor=SYSTEM.at("192.0.2.1"), action="bot.connect")
    entries = AuditEntry.objects.filter(action="bot.connect", address="192.0.2.1")
    assert {entry.bot_id for entry in entries} == {bot.pk for bot in bots}


def test_entries_of_an_operator_are_found_by_the_keys_of_the_own_bots() -> None:
    """A subquery PostgreSQL would plan as if every bot were alike: for a quiet one it would walk through the whole log."""
    operator, bot = make_operator(), make_bot()
    bot.owners.add(operator)
    sql, values = AuditEntry.objects.visible_to(operator).query.sql_with_params()
    assert sql.count("SELECT") == 1
    assert "JOIN" not in sql
    assert str(bot.pk).replace("-", "") in str(values).replace("-", "")
