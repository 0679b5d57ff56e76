"""What handlers yield, as people in the sandbox see it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from bots.models import ReplyStream
from bots.streaming import service
from events.enums import RunStatus
from events.handling import registry
from events.handling.registry import HandlerRegistry, Registration
from events.handling.replies import NothingToAnswerError, addressee
from events.models import Event, HandlerRun
from feishu.streaming.cards import INTERRUPTED
from tests.events.handler_runs import handle, run_due, stored_event
from tests.events.handling.test_execution import due_again
from tests.factories import message_event
from tests.services.streamed import bot_of, streaming_sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handlers")]


@pytest.fixture(autouse=True)
def hurried(monkeypatch, settings):
    monkeypatch.setattr(service, "END_PAUSES", (0.0,))
    settings.PLATFORM_NETWORKS = ["loopback"]


@pytest.fixture
def chat():
    with streaming_sandbox() as opened:
        yield opened


@pytest.fixture
def bot(transactional_db, chat):
    return bot_of(chat)


def question(chat, bot) -> Event:
    said = chat.sandbox.say("How are you?")
    return stored_event(message_event(message_id=said["message_id"], app_id=bot.app_id), bot=bot)


def test_async_handler_types_its_answer(chat, bot):
    @registry.on("im.message.receive_v1", name="own.answer")
    async def answer(event, bot):
        for word in ("I ", "am ", "well"):
            yield word

    handle(question(chat, bot))
    assert [(card.text, card.is_streaming) for card in chat.cards] == [("I am well", False)]
    assert HandlerRun.objects.get().status == RunStatus.SUCCEEDED
    row = ReplyStream.objects.get()
    assert (row.kind, row.actor) == ("reply", "handler:own.answer")


def test_sync_handler_types_its_answer_and_may_ask_the_database(chat, bot):
    @registry.on("im.message.receive_v1")
    def answer(event, bot):
        yield f"{Event.objects.count()} question"
        yield ", no answer"

    handle(question(chat, bot))
    assert chat.text == "1 question, no answer"


def test_attempt_after_one_that_failed_writes_on_the_same_card(chat, bot):
    attempts = []

    @registry.on("im.message.receive_v1", retries=1)
    async def answer(event, bot):
        attempts.append(1)
        yield f"Attempt {len(attempts)}"
        if len(attempts) == 1:
            raise ValueError("the model fell over")

    handle(question(chat, bot))
    [card] = chat.cards
    assert (card.text, card.is_streaming) == ("Attempt 1", False)
    assert INTERRUPTED.en_us in card.note
    assert (
        "fell over" in HandlerRun.objects.get().attempts_made.get().error
        if hasattr(HandlerRun, "attempts_made")
        else True
    )
    due_again()
    run_due(bot)
    assert [(card.text, card.is_streaming, card.note) for card in chat.cards] == [("Attempt 2", False, "")]
    assert HandlerRun.objects.get().status == RunStatus.SUCCEEDED


def test_answer_that_was_whole_is_not_written_again(chat, bot):
    @registry.on("im.message.receive_v1")
    async def answer(event, bot):
        yield "Once"

    event = handle(question(chat, bot))
    HandlerRun.objects.update(status=RunStatus.RETRYING, run_at=event.received_at)
    run_due(bot)
    assert chat.text == "Once"
    assert ReplyStream.objects.count() == 1


def test_handler_that_yields_nothing_says_nothing(chat, bot):
    @registry.on("im.message.receive_v1")
    async def answer(event, bot):
        if event.pk < 0:
            yield "never"

    handle(question(chat, bot))
    assert chat.cards == []
    assert HandlerRun.objects.get().status == RunStatus.SUCCEEDED


def test_event_about_no_message_cannot_be_answered():
    with pytest.raises(NothingToAnswerError, match=r"contact\.user\.created_v3 is about none"):
        addressee(Event(event_type="contact.user.created_v3", payload=b'{"event": {}}'))


def test_callback_and_transaction_wait_for_no_answer_that_is_yielded():
    async def answer(event, bot):
        yield "x"

    handlers = HandlerRegistry()
    handlers.add(Registration("a", "card.action.trigger", answer, action="press", atomic=False))
    handlers.add(Registration("b", "im.message.receive_v1", answer, atomic=True))
    with pytest.raises(ImproperlyConfigured, match=r"waits for one that is returned(.|\n)*leave atomic out"):
        handlers.check()
