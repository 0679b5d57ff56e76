"""Connecting, disconnecting and switching transport from the console."""

import pytest
from django.test import Client
from django.urls import reverse

from bots.enums import Transport
from bots.models import Bot
from feishu_portal.access.models import AuditEntry
from tests.feishu_portal.console.rows import Rows, list_of, messages_of, page_of, text_of


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
        ("disconnect_all", True, False, "1 bot is being disconnected."),
        ("connect_all", False, True, "1 bot is being connected."),
        ("reconnect_all", True, True, "1 bot is being reconnected."),
    ],
)
def test_many_bots_at_once(rows, as_owner, action, before, after, words) -> None:
    Bot.objects.update(connect=before)
    form = {"action": action, "_selected_action": [str(rows.bot.pk)]}
    answer = as_owner.post(list_of("bots_bot"), form, follow=True)
    assert words in messages_of(answer)
    assert Bot.objects.get().connect is after


def test_list_and_page_show_the_state_since_when_and_by_whom(rows: Rows, as_owner: Client) -> None:
    assert 'data-verdict="trouble"' in text_of(as_owner.get(list_of("bots_bot")))
    act(as_owner, rows, "disconnect")
    for page in (list_of("bots_bot"), page_of("bots_bot", rows.bot)):
        html = text_of(as_owner.get(page))
        assert f'data-live-bot="{rows.bot.pk}"' in html
        assert "Disconnected by Operator · owner" in html
