"""Connecting, disconnecting and switching transport from the console."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bots.enums import Transport
from bots.models import Bot
from core.access.models import AuditEntry
from tests.console.rows import Rows, list_of, messages_of, page_of, text_of
from tests.factories import make_bot


def act(client: Client, rows: Rows, action: str, query: str = ""):
    return client.post(page_of("bots_bot", rows.bot, action) + query, follow=True)


@pytest.mark.parametrize("action", ["connect", "disconnect", "reconnect", "switch_transport"])
def test_asking_changes_nothing(rows: Rows, as_owner: Client, action: str) -> None:
    html = text_of(as_owner.get(page_of("bots_bot", rows.bot, action)))
    assert 'data-testid="ask"' in html
    bot = Bot.objects.get()
    assert (bot.connect, bot.transport, bot.reconnect_asked_at) == (True, Transport.WEBSOCKET, None)


def test_bot_is_disconnected_and_connected_with_who_did_it(rows: Rows, as_owner: Client) -> None:
    act(as_owner, rows, "disconnect")
    bot = Bot.objects.get()
    assert (bot.connect, bot.asked_by) == (False, "operator:owner")
    assert bot.asked_at is not None
    act(as_owner, rows, "connect")
    assert Bot.objects.get().connect
    actions = AuditEntry.objects.filter(app_id=rows.bot.app_id, actor="operator:owner").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["bot.disconnect", "bot.connect"]


def test_page_of_connections_is_returned_to_when_one_came_from_there(rows: Rows, as_owner: Client) -> None:
    answer = act(as_owner, rows, "disconnect", "?back=board")
    assert answer.redirect_chain[-1][0] == reverse("connections")


def test_transport_is_switched_there_and_back(rows: Rows, as_owner: Client) -> None:
    asked = text_of(as_owner.get(page_of("bots_bot", rows.bot, "switch_transport")))
    assert f"https://portal.test/api/feishu/webhook/{rows.bot.app_id}" in asked
    act(as_owner, rows, "switch_transport")
    assert Bot.objects.get().transport == Transport.WEBHOOK
    act(as_owner, rows, "switch_transport")
    bot = Bot.objects.get()
    assert (bot.transport, bot.asked_by) == (Transport.WEBSOCKET, "operator:owner")
    assert bot.slots.count() == 1


def test_webhook_without_key_and_token_is_refused_with_what_to_do(rows: Rows, as_owner: Client) -> None:
    bot = Bot.objects.get()
    bot.encrypt_key = bot.verification_token = ""
    bot.save()
    answer = act(as_owner, rows, "switch_transport")
    assert "Encrypt Key or a Verification Token first" in messages_of(answer)[0]
    assert Bot.objects.get().transport == Transport.WEBSOCKET


def test_bot_that_is_switched_off_cannot_be_connected(rows: Rows, as_owner: Client) -> None:
    Bot.objects.update(enabled=False)
    assert "switched off" in messages_of(act(as_owner, rows, "connect"))[0]


@pytest.mark.parametrize(
    ("action", "before", "after", "words"),
    [
        ("connect_all", {"connect": False}, {"connect": True}, "2 bots are being connected."),
        ("reconnect_all", {"connect": True}, {"connect": True}, "2 bots are being reconnected."),
        ("switch_on", {"enabled": False}, {"enabled": True}, "2 bots switched on."),
    ],
)
def test_many_bots_at_once(rows, as_owner, owner, action, before, after, words) -> None:
    chosen = two_bots(rows, owner)
    Bot.objects.filter(pk__in=chosen).update(**before)
    answer = as_owner.post(list_of("bots_bot"), choice(action, chosen), follow=True)
    assert words in messages_of(answer)
    assert Bot.objects.filter(pk__in=chosen, **after, asked_by="operator:owner").count() == 2


@pytest.mark.parametrize(
    ("action", "field", "title", "words"),
    [
        ("disconnect_all", "connect", "Disconnect 2 bots", "2 bots are being disconnected."),
        ("switch_off", "enabled", "Switch off 2 bots", "2 bots switched off."),
    ],
)
def test_many_bots_go_silent_only_after_a_question(
    rows, as_owner, owner, action, field, title, words
) -> None:
    chosen = two_bots(rows, owner)
    page = as_owner.post(list_of("bots_bot"), choice(action, chosen))
    assert title in text_of(page)
    assert not Bot.objects.filter(pk__in=chosen, **{field: False}).exists()
    answer = as_owner.post(list_of("bots_bot"), hidden_fields(page), follow=True)
    assert words in messages_of(answer)
    assert Bot.objects.filter(pk__in=chosen, **{field: False}).count() == 2


def test_many_bots_cost_no_more_queries_than_one(rows, as_owner, owner) -> None:
    counts = []
    for chosen in (two_bots(rows, owner)[:1], two_bots(rows, owner, "cli_third")):
        with CaptureQueriesContext(connection) as queries:
            as_owner.post(list_of("bots_bot"), choice("reconnect_all", chosen))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def two_bots(rows, owner, app_id: str = "cli_second") -> list[str]:
    """The owner's bot and another of hers."""
    second = make_bot(app_id=app_id)
    second.owners.add(owner)
    return [str(rows.bot.pk), str(second.pk)]


def hidden_fields(page) -> dict[str, list[str]]:
    """What the page that asks would post."""
    fields: dict[str, list[str]] = {}
    for field in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", text_of(page)):
        name, value = re.search(r'name="([^"]+)"', field), re.search(r'value="([^"]*)"', field)
        fields.setdefault(name[1], []).append(value[1])
    return fields


def choice(action: str, chosen: list[str]) -> dict[str, Any]:
    return {"action": action, "_selected_action": chosen}


def test_list_and_page_show_the_state_since_when_and_by_whom(rows: Rows, as_owner: Client) -> None:
    assert 'data-health="error"' in text_of(as_owner.get(list_of("bots_bot")))
    act(as_owner, rows, "disconnect")
    for page in (list_of("bots_bot"), page_of("bots_bot", rows.bot)):
        html = text_of(as_owner.get(page))
        assert f'data-live-bot="{rows.bot.pk}"' in html
        assert "Disconnected by Operator · owner" in html


def test_switching_moves_events_and_callbacks(rows: Rows, as_owner: Client) -> None:
    Bot.objects.update(callback_transport=Transport.WEBSOCKET)
    act(as_owner, rows, "switch_transport")
    bot = Bot.objects.get()
    assert (bot.transport, bot.callbacks_by) == (Transport.WEBHOOK, Transport.WEBHOOK)
