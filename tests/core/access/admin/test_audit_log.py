"""The page of the audit log says where from, and finds what was done from an address; an owner finds their own bots' entries."""

import pytest
from django.test import Client
from django.urls import reverse

from bots.models import Bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.access.models import AuditEntry
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.factories import make_bot

PAGE = "access_auditentry"
FROM = {"REMOTE_ADDR": "2001:db8::7"}


def found(client: Client, words: str) -> set[AuditEntry]:
    return set(client.get(list_of(PAGE), {"q": words}).context["cl"].result_list)


def entry_from(address: str, bot: Bot | None = None) -> AuditEntry:
    return audit.record(actor=SYSTEM.at(address), action="bot.updated", bot=bot)


def test_what_an_operator_does_is_written_down_with_the_address(rows: Rows, as_superuser: Client) -> None:
    as_superuser.post(reverse("admin:bots_bot_disconnect", args=[rows.bot.pk]), **FROM)
    entry = AuditEntry.objects.get(action="bot.disconnect")
    assert (entry.actor, entry.address) == ("operator:root", "2001:db8::7")
    for page in (list_of(PAGE), page_of(PAGE, entry)):
        assert "2001:db8::7" in text_of(as_superuser.get(page))


def test_entries_are_found_by_the_whole_address(as_superuser: Client) -> None:
    entry = entry_from("192.0.2.1")
    entry_from("192.0.2.10")
    assert found(as_superuser, "192.0.2.1") == {entry}


def test_owner_finds_only_entries_of_the_own_bots(rows: Rows, as_owner: Client, as_stranger: Client) -> None:
    entry = entry_from("192.0.2.1", rows.bot)
    entry_from("192.0.2.1", make_bot())
    entry_from("192.0.2.1")
    assert found(as_owner, "192.0.2.1") == {entry}
    assert found(as_stranger, "192.0.2.1") == set()


@pytest.mark.django_db
def test_command_has_no_address() -> None:
    assert audit.record(actor=Actor.command("addbot"), action="bot.created").address == ""
