"""What a process left open when it was killed: closed by a sweep, with a note, though nobody knows what it said."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from bots.enums import StreamState
from bots.models import Bot, ReplyStream
from bots.sending.content import Outgoing
from bots.streaming import records
from bots.streaming.closing import close_left, is_any_left
from bots.streaming.performing import Performer
from bots.streaming.records import Author
from bots.streaming.service import stream
from bots.tasks import sweep
from feishu.errors import APIError, FeishuError
from feishu.localized import post_of
from feishu.openapi import OpenAPI
from feishu.streaming.cards import INTERRUPTED
from feishu.streaming.reply import Kind, ReplyCall, StreamedReply

pytestmark = pytest.mark.django_db(transaction=True)

AUTHOR = Author(actor="api:writer", key="4711")


def left_open(bot: Bot, chat, text: str = "Half a sent", *, until: Kind | None = None) -> ReplyStream:
    """A reply whose process died, after a call of this kind or when all it had was shown."""
    to: Outgoing = chat.to()
    row = records.begin(bot=bot, to=to, author=AUTHOR)
    reply, performer = StreamedReply(interval=lambda: 0.0), Performer(row, to, OpenAPI(bot.credentials))
    reply.add(text)
    now = 0.0
    while isinstance(step := reply.next(now), ReplyCall):
        if step.kind is Kind.SEND:
            records.keep(row, [(page.card_id, page.message_id) for page in reply.pages[: step.page + 1]])
        now += 1
        try:
            done = performer.perform(step, reply.pages[step.page])
        except FeishuError as error:
            reply.failed(step, error, now)
            continue
        if step.kind is until:
            break
        reply.done(step, now, card_id=done.card_id, message_id=done.message_id)
        if step.kind is Kind.SEND:
            records.keep(row, [(page.card_id, page.message_id) for page in reply.pages[: step.page + 1]])
    past = timezone.now() - timedelta(seconds=1)
    ReplyStream.objects.filter(pk=row.pk).update(lease_until=past)
    return row


@pytest.mark.parametrize("until", [None, Kind.SEND])
def test_card_is_closed_and_says_that_it_was_interrupted(bot, chat, until):
    left_open(bot, chat, until=until)
    assert chat.cards[0].is_streaming
    assert is_any_left()
    close_left()
    [card] = chat.cards
    assert (card.text, card.is_streaming) == ("Half a sent", False)
    assert INTERRUPTED.en_us in card.note
    row = ReplyStream.objects.get()
    assert (row.state, row.is_open, row.lease_until) == ("interrupted", False, None)
    assert not is_any_left()


def test_card_that_was_never_sent_is_closed_as_well(bot, chat):
    left_open(bot, chat, until=Kind.CREATE)
    close_left()
    assert chat.cards == []
    assert ReplyStream.objects.get().is_open is False


def test_last_of_several_cards_has_the_note(bot, chat):
    left_open(bot, chat, "A line of some words.\n" * 2_000)
    close_left()
    first, second = chat.cards
    assert (first.is_streaming, first.note, second.is_streaming) == (False, "", False)
    assert INTERRUPTED.en_us in second.note


@pytest.mark.parametrize("until", [None, Kind.SEND])
def test_message_keeps_what_it_says_where_there_are_no_card_entities(bot, chat, until):
    chat.sandbox.put_app(scopes=["im:message", "im:message:send_as_bot"])
    left_open(bot, chat, until=until)
    close_left()
    [card] = chat.cards
    assert card.text == "Half a sent"
    assert INTERRUPTED.en_us in card.note


def test_message_that_cannot_be_read_gets_an_answer(bot, chat):
    chat.sandbox.put_app(scopes=["im:message:send_as_bot"])
    left_open(bot, chat)
    close_left()
    said = chat.messages[-1]
    assert said["msg_type"] == "post"
    assert json.loads(said["content"]) == post_of(INTERRUPTED)


def test_reply_that_lives_is_let_alone(bot, chat):
    row = left_open(bot, chat)
    ReplyStream.objects.update(lease_until=timezone.now() + timedelta(seconds=60))
    assert not is_any_left()
    close_left()
    assert ReplyStream.objects.get().epoch == row.epoch
    assert chat.cards[0].is_streaming


def test_platform_that_is_away_is_tried_again_and_then_given_up(bot, chat):
    left_open(bot, chat)
    chat.sandbox.faults(openapi={"code": 2200, "http_status": 500, "path": "/open-apis/cardkit"})
    close_left()
    row = ReplyStream.objects.get()
    assert (row.state, row.is_open, row.closings, row.code) == ("failed", True, 1, 2200)
    assert row.lease_until > timezone.now()
    ReplyStream.objects.update(
        closings=records.CLOSINGS.max_attempts, lease_until=timezone.now() - timedelta(seconds=1)
    )
    close_left()
    assert ReplyStream.objects.get().lease_until is None
    assert not is_any_left()


def test_card_that_is_gone_needs_no_closing(bot, chat):
    left_open(bot, chat)
    ReplyStream.objects.update(cards=[["7000000000000000000", "om_1"]])
    close_left()
    assert ReplyStream.objects.get().is_open is False


def test_bot_that_is_off_is_not_spoken_for(bot, chat):
    left_open(bot, chat)
    Bot.objects.update(enabled=False)
    assert not is_any_left()


def test_sweep_asks_for_it(bot, chat, monkeypatch):
    asked = []
    monkeypatch.setattr("bots.tasks.notify", lambda name, *_arguments: asked.append(name))
    left_open(bot, chat)
    sweep()
    assert "bots.close_streams" in asked


async def test_attempt_after_a_killed_one_writes_on_its_card(bot, chat):
    await sync_to_async(left_open)(bot, chat)

    async def texts():
        yield "Whole this time"

    outcome = await stream(
        bot=bot,
        to=await asyncio.to_thread(chat.to),
        texts=texts(),
        author=Author(actor=AUTHOR.actor, key=AUTHOR.key, is_alone=True),
    )
    cards = await asyncio.to_thread(lambda: chat.cards)
    assert [(card.text, card.is_streaming, card.note) for card in cards] == [("Whole this time", False, "")]
    assert outcome.state == StreamState.COMPLETE


async def test_writer_that_comes_back_after_the_sweep_is_refused_by_the_platform(bot, chat):
    row = await sync_to_async(left_open)(bot, chat)
    await sync_to_async(close_left)()
    late = ReplyCall(Kind.TYPE, 0, sequence=row.epoch * 1_000_000 + 50, text="late")
    performer = Performer(row, await asyncio.to_thread(chat.to), OpenAPI(bot.credentials))
    page = StreamedReply(pages=ReplyStream(cards=(await ReplyStream.objects.aget()).cards).pages).pages[0]
    with pytest.raises(APIError, match=r"300309|300317"):
        await asyncio.to_thread(performer.perform, late, page)
