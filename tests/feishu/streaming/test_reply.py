"""The state machine of a growing reply, against a platform of a few lines that holds it to the rules of CardKit."""

import json
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from feishu.errors import APIError, FeishuError, MissingScope, RateLimited, TransportError
from feishu.streaming.cards import INTERRUPTED, REPLACED, TOO_LONG, TYPING
from feishu.streaming.reply import (
    EPOCH,
    GIVE_UP_SECONDS,
    MAX_CARDS,
    Kind,
    Over,
    ReplyCall,
    ReplyEnding,
    StreamedReply,
    Wait,
    Way,
)


@dataclass
class Card:
    text: str
    sequence: int = 0
    is_streaming: bool = True
    notes: list[str] = field(default_factory=list)
    summary: str = ""


@dataclass
class Platform:
    """Does the calls of a reply. ``faults``: what it answers instead, one after the other."""

    reply: StreamedReply
    now: float = 1000.0
    cards: dict[str, Card] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    calls: list[ReplyCall] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    faults: list[FeishuError] = field(default_factory=list)
    limit: int = 30 * 1024

    def run(self) -> Over | Wait:
        """Go on until the reply waits for more text, or is over."""
        for _ in range(10_000):
            step = self.reply.next(self.now)
            if isinstance(step, ReplyCall):
                self.answer(step)
            elif isinstance(step, Wait) and step.until is not None:
                self.now = step.until
            else:
                return step
        raise AssertionError("the reply comes to no end")

    def answer(self, call: ReplyCall) -> None:
        self.calls.append(call)
        self.times.append(self.now)
        try:
            if self.faults:
                raise self.faults.pop(0)
            card_id, message_id = self.do(call)
        except FeishuError as error:
            self.reply.failed(call, error, self.now)
        else:
            self.reply.done(call, self.now, card_id=card_id, message_id=message_id)

    def do(self, call: ReplyCall) -> tuple[str, str]:
        if len(json.dumps(call.text, ensure_ascii=False).encode()) > self.limit:
            raise refusal(200860)
        page = self.reply.pages[call.page]
        if call.kind is Kind.CREATE:
            self.cards[f"c{len(self.cards)}"] = Card(call.text)
            return f"c{len(self.cards) - 1}", ""
        if call.kind is Kind.SEND and page.card_id:
            self.sent.append(page.card_id)
            return "", f"om_{page.card_id}"
        if call.kind in {Kind.SEND, Kind.PATCH}:
            message_id = page.message_id or f"om_{len(self.cards)}"
            self.cards[message_id] = Card(call.text, notes=[call.note.en_us] if call.note else [])
            return "", message_id
        self.change(call, self.cards[page.card_id])
        if call.kind is Kind.RENEW:
            self.cards[page.card_id] = Card(call.text, call.sequence)
        return "", ""

    def change(self, call: ReplyCall, card: Card) -> None:
        if call.sequence <= card.sequence:
            raise refusal(300317)
        card.sequence = call.sequence
        if call.kind is Kind.TYPE and not card.is_streaming:
            raise refusal(300309)
        match call.kind:
            case Kind.TYPE:
                card.text = call.text
            case Kind.REOPEN:
                card.is_streaming = True
            case Kind.NOTE:
                card.notes.append(call.note.en_us)
            case Kind.CLOSE:
                card.is_streaming, card.summary = False, call.text[:10]

    @property
    def kinds(self) -> list[str]:
        return [call.kind.value for call in self.calls]

    @property
    def texts(self) -> list[str]:
        return [card.text for card in self.cards.values()]


def refusal(code: int) -> APIError:
    return APIError("refused", code=code, http_status=400)


@pytest.fixture
def platform() -> Platform:
    return Platform(StreamedReply())


def test_reply_is_made_typed_and_closed(platform):
    platform.reply.add("Hello")
    assert platform.run() == Wait()
    platform.reply.add(" world")
    platform.run()
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert platform.kinds == ["create", "send", "type", "close"]
    assert platform.cards == {"c0": Card("Hello world", 2, False, [], "Hello worl")}
    assert platform.sent == ["c0"]


def test_nothing_is_sent_before_there_is_something_to_say(platform):
    assert platform.run() == Wait()
    platform.reply.add("  \n")
    assert platform.run() == Wait()
    platform.reply.end(ReplyEnding.INTERRUPTED)
    assert platform.run() == Over()
    assert platform.calls == []


def test_text_is_collected_and_the_card_changed_at_intervals(platform):
    for number in range(500):
        platform.reply.add(f"token {number} ")
        platform.now += 0.002
        while isinstance(step := platform.reply.next(platform.now), ReplyCall):
            platform.answer(step)
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    typed = [at for at, call in zip(platform.times, platform.calls, strict=True) if call.kind is Kind.TYPE]
    assert platform.texts == ["".join(f"token {number} " for number in range(500))]
    assert len(typed) <= 6
    assert min(later - earlier for earlier, later in pairwise(typed)) >= 0.24


def test_full_card_is_closed_and_the_reply_goes_on_on_the_next(platform):
    text = "A line of some words.\n" * 4_000
    for at in range(0, len(text), 997):
        platform.reply.add(text[at : at + 997])
        platform.run()
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert "".join(platform.texts) == text
    assert len(platform.cards) == 4
    assert not any(card.is_streaming for card in platform.cards.values())
    assert platform.sent == ["c0", "c1", "c2", "c3"]


def test_text_that_comes_at_once_goes_on_as_many_cards(platform):
    text = "```\n" + "x = 1\n" * 12_000 + "```\n"
    platform.reply.add(text)
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert "".join(platform.texts).replace("``````\n", "") == text
    assert all(card.startswith("```\n") and card.rstrip().endswith("```") for card in platform.texts)


def test_reply_without_end_is_ended(platform):
    platform.reply = StreamedReply(limit=1_000)
    platform.reply.add("word " * 20_000)
    assert platform.run() == Over()
    assert len(platform.cards) == MAX_CARDS
    assert platform.cards[f"c{MAX_CARDS - 1}"].notes == [TOO_LONG.en_us]
    assert platform.reply.ending is ReplyEnding.TOO_LONG


def test_interrupted_reply_says_so(platform):
    platform.reply.add("Half of a sent")
    platform.run()
    platform.reply.end(ReplyEnding.INTERRUPTED)
    assert platform.run() == Over()
    assert platform.kinds == ["create", "send", "note", "close"]
    assert platform.cards["c0"].notes == [INTERRUPTED.en_us]


def test_card_before_says_that_nothing_followed(platform):
    platform.reply.add("A line of some words.\n" * 1_075)
    platform.run()
    assert len(platform.cards) == 1
    platform.reply.end(ReplyEnding.INTERRUPTED)
    platform.run()
    assert [card.notes for card in platform.cards.values()] == [[INTERRUPTED.en_us]]
    assert not platform.cards["c0"].is_streaming


@pytest.mark.parametrize("code", [200850, 300309, 200510])
def test_streaming_that_the_platform_ended_is_switched_on_again(platform, code):
    platform.reply.add("a")
    platform.run()
    platform.cards["c0"].is_streaming = False
    platform.faults = [refusal(code)]
    platform.reply.add("b")
    platform.run()
    assert platform.kinds == ["create", "send", "type", "reopen", "type"]
    assert platform.texts == ["ab"]


def test_streaming_that_does_not_come_on_ends_the_reply(platform):
    platform.reply.add("a")
    platform.run()
    platform.faults = [refusal(300309), *[refusal(300309)] * 20]
    platform.reply.add("b")
    with pytest.raises(APIError):
        platform.run()


def test_reply_waits_while_somebody_clicks(platform):
    platform.reply.add("a")
    platform.run()
    platform.faults = [refusal(200810)] * 20
    platform.reply.add("b")
    platform.run()
    assert platform.texts == ["ab"]
    assert platform.now - 1000 >= 10


def test_number_that_was_used_is_leapt_over(platform):
    platform.reply.add("a")
    platform.run()
    platform.cards["c0"].sequence = 2_500
    platform.reply.add("b")
    platform.run()
    assert platform.texts == ["ab"]
    numbers = [call.sequence for call in platform.calls if call.sequence]
    assert numbers == sorted(set(numbers))


def test_reply_that_was_taken_over_ends(platform):
    platform.reply.add("a")
    platform.run()
    platform.cards["c0"].sequence = EPOCH
    platform.reply.add("b")
    with pytest.raises(APIError) as raised:
        platform.run()
    assert raised.value.code == 300317


def test_card_that_is_full_early_is_left_as_it_is(platform):
    platform.limit = 15_000
    text = "A line of some words.\n" * 3_000
    for at in range(0, len(text), 700):
        platform.reply.add(text[at : at + 700])
        platform.run()
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert "".join(platform.texts) == text
    assert not any(card.is_streaming for card in platform.cards.values())


def test_platform_that_is_away_for_a_moment_costs_nothing(platform):
    platform.reply.add("a")
    platform.faults = [TransportError("gone"), RateLimited("slow", code=99991400, reset_after=3.0)]
    platform.run()
    platform.faults = [TransportError("gone")] * 3
    platform.reply.add("b")
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert platform.texts == ["ab"]
    assert platform.now >= 1003


def test_platform_that_stays_away_ends_the_reply(platform):
    platform.reply.add("a")
    platform.faults = [TransportError("gone") for _ in range(100)]
    with pytest.raises(TransportError):
        platform.run()
    assert platform.now <= 1000 + GIVE_UP_SECONDS


def test_refusal_ends_the_reply_at_once(platform):
    platform.reply.add("a")
    platform.faults = [refusal(200621)]
    with pytest.raises(APIError):
        platform.run()


def test_note_whose_answer_was_lost_is_not_added_twice(platform):
    platform.reply.add("a")
    platform.run()
    platform.reply.end(ReplyEnding.INTERRUPTED)
    platform.faults = [TransportError("lost"), refusal(300301)]
    assert platform.run() == Over()
    assert platform.kinds[-3:] == ["note", "note", "close"]


# --- without card entities


@pytest.mark.parametrize(
    "error", [MissingScope("scope", code=99991672), APIError("no such page", code=404, http_status=404)]
)
def test_message_is_replaced_where_there_are_no_card_entities(platform, error):
    platform.reply.add("Hello")
    platform.faults = [error]
    platform.run()
    assert platform.cards == {"om_0": Card("Hello", notes=[TYPING.en_us])}
    platform.reply.add(" world")
    platform.run()
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert platform.cards == {"om_0": Card("Hello world")}
    assert platform.reply.way is Way.PATCHED
    patched = [at for at, call in zip(platform.times, platform.calls, strict=True) if call.kind is Kind.PATCH]
    assert len(patched) == 2
    assert patched[1] - patched[0] >= 1


def test_message_says_that_it_was_interrupted(platform):
    platform.reply.way = Way.PATCHED
    platform.reply.add("Hello")
    platform.run()
    platform.reply.end(ReplyEnding.INTERRUPTED)
    platform.run()
    assert platform.cards == {"om_0": Card("Hello", notes=[INTERRUPTED.en_us])}


def test_long_reply_goes_on_in_further_messages(platform):
    platform.reply = StreamedReply(limit=1_000)
    platform.reply.way = Way.PATCHED
    text = "A line of some words.\n" * 100
    platform.reply.add(text)
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert "".join(platform.texts) == text
    assert not any(card.notes for card in platform.cards.values())


# --- another attempt


def again(platform: Platform, *pages: tuple[str, str], epoch: int = 1) -> None:
    platform.reply = StreamedReply(epoch=epoch, pages=pages)
    platform.calls.clear()


def test_another_attempt_writes_on_the_card_of_the_first(platform):
    platform.reply.add("First att")
    platform.run()
    platform.reply.end(ReplyEnding.INTERRUPTED)
    platform.run()
    again(platform, ("c0", "om_c0"))
    platform.reply.add("Second attempt")
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert platform.cards == {"c0": Card("Second attempt", EPOCH + 2, False, [], "Second att")}
    assert platform.kinds == ["renew", "close"]
    assert platform.sent == ["c0"]


def test_card_that_was_made_and_not_sent_is_sent(platform):
    platform.cards["c0"] = Card("x")
    again(platform, ("c0", ""))
    platform.reply.add("y")
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert platform.kinds == ["renew", "send", "close"]


def test_cards_that_are_not_needed_any_more_say_so(platform):
    platform.cards = {"c0": Card("long"), "c1": Card("longer")}
    again(platform, ("c0", "om_c0"), ("c1", "om_c1"))
    platform.reply.add("short")
    platform.reply.end(ReplyEnding.COMPLETE)
    assert platform.run() == Over()
    assert platform.texts == ["short", f"{REPLACED.zh_cn}\n{REPLACED.en_us}"]
    assert not any(card.is_streaming for card in platform.cards.values())


def test_message_of_the_first_attempt_is_replaced(platform):
    platform.cards["om_0"] = Card("old", notes=[INTERRUPTED.en_us])
    again(platform, ("", "om_0"))
    platform.reply.add("new")
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert platform.kinds == ["patch"]
    assert platform.cards == {"om_0": Card("new")}


def test_message_that_may_have_been_sent_is_replaced(platform):
    again(platform, ("", ""))
    platform.reply.add("new")
    platform.reply.end(ReplyEnding.COMPLETE)
    platform.run()
    assert platform.kinds == ["send", "patch"]
