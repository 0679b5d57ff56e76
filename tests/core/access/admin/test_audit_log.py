"""The page of the audit log says where from, and finds what was done from an address; an owner finds their own bots' entries."""

import csv
import io

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client
from django.urls import reverse

from bots.models import Bot
from core.access import audit
from core.access.actors import SYSTEM, Actor
from core.access.admin import audit_export
from core.access.models import AuditEntry, User
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.factories import make_bot, make_operator

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


# --- filters


@pytest.mark.parametrize(
    "query",
    ["about=bot", "action=bot.updated", "operator={operator}", "bot={bot}", "about=bot&since=1h"],
)
def test_entries_are_found_by_what_who_and_which(
    query: str, rows: Rows, owner: User, as_superuser: Client
) -> None:
    entry = audit.record(
        actor=Actor.operator(owner), action="bot.updated", bot=rows.bot, target=rows.bot.name
    )
    audit.record(actor=SYSTEM, action="keys.rotated")
    address = f"{list_of(PAGE)}?{query.format(operator=owner.pk, bot=rows.bot.pk)}"
    found_entries = list(as_superuser.get(address).context["cl"].result_list)
    assert entry in found_entries
    assert not [one for one in found_entries if one.action == "keys.rotated"]


@pytest.mark.parametrize("query", ["about=nothing", "action=x", "operator=0", "bot=x", "operator=%27"])
def test_unknown_choice_finds_nothing_and_is_not_passed_over(query: str, as_superuser: Client) -> None:
    entry_from("192.0.2.1")
    assert not list(as_superuser.get(f"{list_of(PAGE)}?{query}").context["cl"].result_list)


def test_filters_offer_an_owner_nothing_of_others(rows: Rows, as_owner: Client, stranger: User) -> None:
    page = text_of(as_owner.get(list_of(PAGE)))
    assert rows.bot.name in page
    assert stranger.username not in page
    assert "Somebody else" not in page


# --- CSV

EXPORT = "/admin/access/auditentry/export/"


def exported(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"{EXPORT}?{query}")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_what_the_filters_match_is_exported_and_that_is_an_entry(rows: Rows, as_superuser: Client) -> None:
    audit.record(actor=Actor.command("=cmd|'/c calc'"), action="bot.updated", bot=rows.bot, target="@SUM(A1)")
    audit.record(actor=SYSTEM, action="keys.rotated")
    heads, line, *others = exported(as_superuser, "about=bot&q=%40SUM(A1)")
    assert not others
    assert heads[0] == "time"
    assert line[8] == "'@SUM(A1)"
    assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@"))]
    assert AuditEntry.objects.get(action="audit.exported").detail == {"filters": "about=bot&q=%40SUM%28A1%29"}


def test_owner_exports_the_own_bots_alone(rows: Rows, as_owner: Client) -> None:
    entry_from("192.0.2.1", rows.bot)
    elsewhere = make_bot(name="Elsewhere")
    entry_from("192.0.2.1", elsewhere)
    lines = exported(as_owner)
    assert any(rows.bot.app_id in line for line in lines)
    assert not any(elsewhere.app_id in line for line in lines)


def test_export_ends_at_its_bound_and_says_so(as_superuser: Client, monkeypatch) -> None:
    monkeypatch.setattr(audit_export, "MAX_EXPORTED", 3)
    monkeypatch.setattr(audit_export, "BATCH", 2)
    for _ in range(5):
        entry_from("192.0.2.1")
    lines = exported(as_superuser, "q=192.0.2.1")
    assert len(lines) == 5
    assert "narrow the filters" in lines[-1][0]


@pytest.mark.django_db(transaction=True)
async def test_export_is_streamed_by_the_asgi_server(monkeypatch) -> None:
    superuser = await sync_to_async(make_operator)(superuser=True)
    client = AsyncClient()
    await client.aforce_login(superuser)
    answer = await client.get(EXPORT)
    text = "".join([part.decode() async for part in answer.streaming_content])
    assert text.startswith("\ufeff")
    assert len(text.splitlines()) == 2
