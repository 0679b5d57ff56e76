"""Rows of the event log say who wrote what, which handler failed and how long it took."""

import json
import re
from datetime import timedelta
from typing import Any

from django.test import Client

from bots.people.directory import remember
from core.access.models import User
from events.enums import EventStatus
from events.models import Event, HandlerRun
from feishu.people import Profile
from tests.console.rows import Rows, make_event, page_of, signed_in, text_of
from tests.events.admin.pages import LOG
from tests.events.handler_runs import stored_event
from tests.factories import message_event


def row_of(client: Client, event: Event, **query: Any) -> str:
    """The event's row in the list."""
    page = text_of(client.get(LOG, query))
    return next(row for row in page.split("<tbody") if page_of("events_event", event) in row)


def test_row_says_who_wrote_what_and_which_handler_failed(rows: Rows, owner: User) -> None:
    event = stored_event(message_event(text="The printer burns", open_id="ou_0123456789abcdef"), bot=rows.bot)
    for handler, status in (("shop.handlers.answer", "succeeded"), ("shop.handlers.print", "dead")):
        HandlerRun.objects.create(event=event, bot=rows.bot, handler=handler, status=status)
    finished = event.created_at + timedelta(milliseconds=1234)
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DEAD, finished_at=finished)
    words = {"en": ("Message received", "Private chat", "1.2 s"), "zh-CN": ("接收消息", "单聊", "1.2 秒")}
    for language, names in words.items():
        row = row_of(signed_in(owner, language), event)
        for text in (*names, "The printer burns", "ou_…bcdef", 'title="im.message.receive_v1"'):
            assert text in row
        chips = re.findall(r'data-status="(\w+)" title="([\w.]+)', row)
        assert chips == [("dead", "shop.handlers.print"), ("succeeded", "shop.handlers.answer")]


def test_sender_is_shown_by_name_and_found_by_the_id_beneath(rows: Rows, owner: User) -> None:
    remember(rows.bot, [Profile(open_id="ou_fang", name="王芳", en_name="Wang Fang")])
    event = stored_event(message_event(open_id="ou_fang"), bot=rows.bot)
    for language, name in (("en", "Wang Fang"), ("zh-CN", "王芳")):
        client = signed_in(owner, language)
        row = row_of(client, event)
        assert 'title="ou_fang"' in row
        assert f"</span>{name}<" in row
        assert name in text_of(client.get(page_of("events_event", event)))


def test_row_of_a_message_without_text_says_its_kind(rows: Rows, as_owner: Client) -> None:
    payload = message_event(
        message_type="file", content=json.dumps({"file_key": "f", "file_name": "plan.pdf"})
    )
    assert "[File] plan.pdf" in row_of(as_owner, stored_event(payload, bot=rows.bot))


def test_row_masks_secrets_and_bears_what_cannot_be_read(rows: Rows, as_owner: Client) -> None:
    written = stored_event(message_event(text="my key is fp_abcdef_0123456789abcdef"), bot=rows.bot)
    assert "0123456789abcdef" not in row_of(as_owner, written)
    Event.objects.filter(pk=written.pk).update(payload=b"no json")
    assert "Message received" in row_of(as_owner, written)


def test_row_of_a_replayed_event_names_no_time_that_it_took(rows: Rows, as_owner: Client) -> None:
    event = make_event(rows.bot)
    Event.objects.filter(pk=event.pk).update(finished_at=event.created_at + timedelta(days=2))
    assert "2 days" in row_of(as_owner, event)
    HandlerRun.objects.filter(event=event).update(round=1)
    assert "2 days" not in row_of(as_owner, event)


def test_list_names_a_few_handlers_and_counts_the_others(rows: Rows, as_owner: Client) -> None:
    event = make_event(rows.bot)
    for number in range(5):
        HandlerRun.objects.create(event=event, bot=rows.bot, handler=f"h.n{number}", status="succeeded")
    assert ">+3<" in row_of(as_owner, event)
