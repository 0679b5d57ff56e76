"""Replies on the sandbox's platform, which counts calls and numbers as the real one does."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from django.db import connection

from bots.enums import SendingKind, StreamState
from bots.errors import BotDisabledError, KeyReusedError, SendingUnderWayError
from bots.models import Bot, ReplyStream
from bots.sending.content import Outgoing
from bots.streaming import service
from bots.streaming.records import Author, claim
from bots.streaming.service import TakenOverError, stream
from feishu.errors import APIError
from feishu.streaming.cards import INTERRUPTED, TOO_LONG
from feishu.streaming.reply import Way
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

AUTHOR = Author(actor="api:writer", key="4711")


async def said(*texts: str) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text
        await asyncio.sleep(0)


async def broken(*texts: str) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text
    await asyncio.sleep(0.4)
    raise ValueError("the model fell over")


async def row() -> ReplyStream:
    return await ReplyStream.objects.aget()


async def seen(chat):
    return await asyncio.to_thread(lambda: chat.cards)


async def write(bot: Bot, chat, texts, author: Author = AUTHOR, to: Outgoing | None = None):
    to = to or await asyncio.to_thread(chat.to)
    return await stream(bot=bot, to=to, texts=texts, author=author)


async def test_reply_is_typed_closed_and_written_down_without_what_it_says(bot, chat):
    outcome = await write(bot, chat, said("Hello ", "**world**"))
    [card] = await seen(chat)
    assert (card.text, card.is_streaming, card.note, card.summary) == (
        "Hello **world**", False, "", "Hello **world**",
    )  # fmt: skip
    [message] = await asyncio.to_thread(lambda: chat.messages)
    assert (outcome.state, outcome.way, outcome.messages) == (
        StreamState.COMPLETE, Way.STREAMED, [message["message_id"]],
    )  # fmt: skip
    written = await row()
    assert (written.state, written.is_open, written.characters, written.lease_until) == (
        "complete", False, 15, None,
    )  # fmt: skip
    assert "world" not in json.dumps([str(value) for value in vars(written).values()])


async def test_five_hundred_tokens_a_second_come_whole_and_in_order(bot, chat):
    tokens = [f"token{number} " for number in range(1_500)]

    async def fast() -> AsyncGenerator[str, None]:
        for at in range(0, len(tokens), 25):
            for token in tokens[at : at + 25]:
                yield token
            await asyncio.sleep(0.05)

    outcome = await write(bot, chat, fast())
    assert outcome.state == StreamState.COMPLETE
    assert [card.text for card in await seen(chat)] == ["".join(tokens)]
    codes = {call["code"] for call in await asyncio.to_thread(chat.sandbox.calls)}
    assert codes <= {0, None}


async def test_long_reply_goes_on_on_another_card(bot, chat):
    text = "一行文字，说了些什么。\n" * 1_800
    outcome = await write(bot, chat, said(*(text[at : at + 900] for at in range(0, len(text), 900))))
    cards = await seen(chat)
    assert "".join(card.text for card in cards) == text
    assert len(outcome.messages) == len(cards) == 3
    assert not any(card.is_streaming for card in cards)
    assert (await row()).message_ids == outcome.messages


@pytest.mark.parametrize(
    ("code", "times"), [(200810, 3), (300317, 2), (200850, 1), (300309, 2), (99991400, 1), (2200, 2)]
)
async def test_refusal_of_the_moment_leaves_the_card_whole(bot, chat, code, times):
    path = "/open-apis/cardkit/v1/cards/"
    await asyncio.to_thread(
        chat.sandbox.faults, openapi={"code": code, "path": path, "times": times, "http_status": 500 if code == 2200 else 400}
    )  # fmt: skip
    outcome = await write(bot, chat, said("Hello ", "world"))
    assert outcome.state == StreamState.COMPLETE
    assert [(card.text, card.is_streaming) for card in await seen(chat)] == [("Hello world", False)]


@pytest.mark.parametrize("drop", ["before", "after", "middle"])
async def test_answer_that_is_lost_costs_nothing(bot, chat, drop):
    await asyncio.to_thread(chat.sandbox.faults, openapi={"drop": drop, "times": 3, "path": "/open-apis/"})
    outcome = await write(bot, chat, said("Hello ", "world"))
    assert outcome.state == StreamState.COMPLETE
    assert [card.text for card in await seen(chat)] == ["Hello world"]


async def test_writer_that_fails_leaves_a_card_that_says_so(bot, chat):
    with pytest.raises(ValueError, match="fell over"):
        await write(bot, chat, broken("Half a sent"))
    [card] = await seen(chat)
    assert (card.text, card.is_streaming) == ("Half a sent", False)
    assert INTERRUPTED.en_us in card.note
    written = await row()
    assert (written.state, written.is_open, written.said) == (
        "interrupted", False, "ValueError: the model fell over",
    )  # fmt: skip


async def test_writer_that_is_cancelled_leaves_a_card_that_says_so(bot, chat):
    began = asyncio.Event()

    async def hanging() -> AsyncGenerator[str, None]:
        yield "Half a sent"
        began.set()
        await asyncio.sleep(60)

    writing = asyncio.create_task(write(bot, chat, hanging()))
    async with asyncio.timeout(PATIENCE):
        await began.wait()
        while not await seen(chat):
            await asyncio.sleep(0.02)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    [card] = await seen(chat)
    assert (card.is_streaming, INTERRUPTED.en_us in card.note) == (False, True)
    assert (await row()).state == StreamState.INTERRUPTED


async def test_what_nobody_wrote_is_not_sent(bot, chat):
    outcome = await write(bot, chat, said())
    assert (outcome.messages, await seen(chat)) == ([], [])
    assert (await row()).is_open is False


async def test_reply_that_is_too_long_ends_with_a_note(bot, chat, monkeypatch):
    monkeypatch.setattr(service, "MAX_CHARACTERS", 10)
    outcome = await write(bot, chat, said("0123456", "789abc", "never"))
    [card] = await seen(chat)
    assert (outcome.state, card.text) == (StreamState.TOO_LONG, "0123456789")
    assert TOO_LONG.en_us in card.note


async def test_what_is_no_text_is_an_error_of_its_writer(bot, chat):
    async def wrong() -> AsyncGenerator:
        yield {"text": "x"}

    with pytest.raises(TypeError, match="written in text"):
        await write(bot, chat, wrong())
    assert (await row()).state == StreamState.INTERRUPTED


# --- without card entities


async def test_message_is_replaced_where_the_app_lacks_the_scope(bot, chat):
    await asyncio.to_thread(chat.sandbox.put_app, scopes=["im:message", "im:message:send_as_bot"])
    outcome = await write(bot, chat, said("Hello ", "world"))
    [card] = await seen(chat)
    assert (outcome.way, card.text, card.note) == (Way.PATCHED, "Hello world", "")
    assert (await row()).cards == [["", outcome.messages[0]]]


# --- what the platform does not take


async def test_refusal_is_raised_and_the_writer_stopped(bot, chat):
    stopped = asyncio.Event()

    async def endless() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "word "
                await asyncio.sleep(0.02)
        finally:
            stopped.set()

    to = Outgoing(kind=SendingKind.MESSAGE, target="ou_nobody", receive_id_type="open_id", content={})
    with pytest.raises(APIError):
        await write(bot, chat, endless(), to=to)
    assert stopped.is_set()
    written = await row()
    assert (written.state, written.code is not None, written.is_open) == ("failed", True, True)


async def test_disabled_bot_writes_nothing(bot, chat):
    await Bot.objects.filter(pk=bot.pk).aupdate(enabled=False)
    with pytest.raises(BotDisabledError):
        await write(await Bot.objects.aget(pk=bot.pk), chat, said("x"))


# --- the same again


async def test_reply_that_was_complete_is_not_written_again(bot, chat):
    first = await write(bot, chat, said("Hello"))
    second = await write(bot, chat, said("Another"))
    assert (second.is_repeated, second.messages, second.state) == (True, first.messages, first.state)
    assert [card.text for card in await seen(chat)] == ["Hello"]


async def test_attempt_after_one_that_failed_writes_on_the_same_card(bot, chat):
    with pytest.raises(ValueError, match="fell over"):
        await write(bot, chat, broken("First att"))
    outcome = await write(bot, chat, said("Second ", "attempt"))
    [card] = await seen(chat)
    assert (card.text, card.is_streaming, card.note) == ("Second attempt", False, "")
    assert (await row()).message_ids == outcome.messages
    assert (await row()).attempts == 2


async def test_key_belongs_to_one_request_and_to_one_writer(bot, chat):
    await write(bot, chat, said("Hello"))
    other = Outgoing(kind=SendingKind.MESSAGE, target="ou_other", receive_id_type="open_id", content={})
    with pytest.raises(KeyReusedError):
        await write(bot, chat, said("Hello"), to=other)
    await write(bot, chat, said("Hello again"), author=Author(actor="api:other", client_id=None, key="other"))
    assert len(await seen(chat)) == 2


async def test_second_writer_waits_for_the_first_unless_it_is_alone(bot, chat):
    began, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[str, None]:
        yield "First"
        began.set()
        await asyncio.wait_for(go.wait(), PATIENCE)
        yield " goes on"

    first = asyncio.create_task(write(bot, chat, slow()))
    async with asyncio.timeout(PATIENCE):
        await began.wait()
        while not (await row()).message_ids:
            await asyncio.sleep(0.02)
    with pytest.raises(SendingUnderWayError):
        await write(bot, chat, said("Second"))
    alone = Author(actor=AUTHOR.actor, key=AUTHOR.key, is_alone=True)
    await write(bot, chat, said("Third"), author=alone)
    go.set()
    with pytest.raises(TakenOverError):
        await first
    assert [card.text for card in await seen(chat)] == ["Third"]


async def test_writer_whose_row_was_claimed_writes_no_more(bot, chat, monkeypatch):
    monkeypatch.setattr(service, "RENEW_SECONDS", 0.0)

    async def claimed() -> AsyncGenerator[str, None]:
        yield "Hello"
        await asyncio.sleep(0.5)
        await asyncio.to_thread(claim_it)
        await asyncio.sleep(60)

    def claim_it() -> None:
        assert claim(ReplyStream.objects.get(), is_left=True)
        connection.close()

    with pytest.raises(TakenOverError):
        await write(bot, chat, claimed())
    assert (await row()).state == StreamState.RUNNING
