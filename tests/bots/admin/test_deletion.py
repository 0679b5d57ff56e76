from django.test import Client

from bots.models import Bot
from core.access.models import AuditEntry, User
from core.access.roles import Role
from tests.console.rows import Rows, list_of, page_of, signed_in, text_of


def test_deleting_a_bot_asks_first_takes_everything_with_it_and_is_audited(
    rows: Rows, as_superuser: Client
) -> None:
    address = page_of("bots_bot", rows.bot, "delete")
    assert "its events and their deliveries" in text_of(as_superuser.get(address))
    assert Bot.objects.filter(pk=rows.bot.pk).exists()
    answer = as_superuser.post(address, {"post": "yes", "name": "another"}, follow=True)
    assert "That is not the bot&#x27;s name. Nothing was deleted." in text_of(answer)
    assert Bot.objects.filter(pk=rows.bot.pk).exists()
    assert as_superuser.post(address, {"post": "yes", "name": f" {rows.bot.name}"}).status_code == 302
    assert not Bot.objects.filter(pk=rows.bot.pk).exists()
    entry = AuditEntry.objects.get(action="bot.deleted")
    assert (entry.actor, entry.app_id) == ("operator:root", rows.bot.app_id)


def test_owner_deletes_a_bot_as_long_as_the_role_manages(rows: Rows, owner: User) -> None:
    address = page_of("bots_bot", rows.bot, "delete")
    owner.role = Role.VIEWER
    owner.save()
    assert signed_in(owner).post(address, {"post": "yes"}).status_code == 403
    owner.role = Role.OPERATOR
    owner.save()
    assert signed_in(owner).post(address, {"post": "yes", "name": rows.bot.name}).status_code == 302


def test_bots_are_not_deleted_in_bulk(rows: Rows, as_superuser: Client) -> None:
    as_superuser.post(
        list_of("bots_bot"),
        {"action": "delete_selected", "_selected_action": [str(rows.bot.pk)], "post": "yes"},
    )
    assert Bot.objects.filter(pk=rows.bot.pk).exists()
