"""The page by handler says what each does and how it did, and switches one for all bots."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.access.models import AuditEntry, User
from events.enums import RunStatus
from events.handling import registry
from events.handling.descriptions import Description, describe_built_in
from events.handling.switches import switches_of
from events.models import HandlerRun, HandlerSwitch
from tests.console.rows import Rows, messages_of, signed_in, text_of
from tests.events.handler_runs import stored_event
from tests.factories import make_bot

PAGE = reverse("admin:events_handledbot_handlers")
SWITCH = reverse("admin:events_handledbot_switch")


@pytest.fixture(autouse=True)
def handlers(own_handlers, monkeypatch) -> None:
    monkeypatch.setattr("events.handling.descriptions._built_in", {})
    describe_built_in({"portal.answer": Description("Answers commands", "Nobody gets an answer.")})

    @registry.on("im.message.receive_v1", name="portal.answer")
    def answer(event, bot): ...

    @registry.on("im.message.receive_v1", name="shop.order", enabled=False)
    def order(event, bot):
        """Puts orders into the shop."""


def row_of(client: Client, handler: str) -> str:
    page = text_of(client.get(PAGE))
    [row] = [part for part in re.split('data-testid="handler"', page)[1:] if f">{handler}<" in part]
    return " ".join(re.sub("<[^>]+>", " ", row).split())


def test_row_says_what_the_handler_does_and_how_it_did(rows: Rows, as_owner: Client) -> None:
    for status in (RunStatus.SUCCEEDED, RunStatus.DEAD):
        HandlerRun.objects.create(
            event=stored_event(bot=rows.bot), bot=rows.bot, handler="shop.order", status=status,
            error="KeyError: 'sku'" if status == RunStatus.DEAD else "",
        )  # fmt: skip
    row = row_of(as_owner, "shop.order")
    for words in ("Puts orders into the shop.", "Message received", "KeyError", "for 0 of 1 bots", "1 1"):
        assert words in row
    assert "Built in" in row_of(as_owner, "portal.answer")
    assert "for 1 of 1 bots" in row_of(as_owner, "portal.answer")


@pytest.mark.parametrize(("language", "words"), [("en", "past 24 hours"), ("zh-CN", "过去 24 小时")])
def test_page_speaks_both_languages(rows: Rows, owner: User, language: str, words: str) -> None:
    assert words in signed_in(owner, language).get(PAGE).content.decode()


def test_page_takes_as_many_queries_for_many_bots_as_for_one(rows: Rows, as_superuser: Client) -> None:
    taken = []
    for _ in range(2):
        as_superuser.get(PAGE)
        with CaptureQueriesContext(connection) as queries:
            assert as_superuser.get(PAGE).status_code == 200
        taken.append(len(queries))
        for _ in range(3):
            bot = make_bot()
            HandlerSwitch.objects.create(bot=bot, handler="portal.answer", is_on=False)
            HandlerRun.objects.create(
                event=stored_event(bot=bot), bot=bot, handler="shop.order", status="dead"
            )
    assert taken[0] == taken[1]


def test_handler_is_switched_for_all_own_bots_after_a_warning(
    rows: Rows, owner: User, as_owner: Client
) -> None:
    second, others = make_bot(), make_bot()
    second.owners.add(owner)
    address = f"{SWITCH}?handler=portal.answer&on=0"
    asked = text_of(as_owner.get(address))
    assert "Nobody gets an answer." in asked
    assert not HandlerSwitch.objects.exists()
    answer = as_owner.post(address, follow=True)
    assert "off for all bots" in messages_of(answer)[0]
    assert [switches_of(bot.pk) for bot in (rows.bot, second)] == [{"portal.answer": False}] * 2
    assert switches_of(others.pk) == {}
    assert AuditEntry.objects.filter(action="handler.switched_off").count() == 2
    as_owner.post(f"{SWITCH}?handler=portal.answer&on=1")
    assert switches_of(rows.bot.pk) == {"portal.answer": True}


@pytest.mark.parametrize(
    "query", ["", "handler=unknown&on=1", "handler=portal.answer", "handler=portal.answer&on=2"]
)
def test_switch_without_handler_or_word_does_not_exist(rows: Rows, as_owner: Client, query: str) -> None:
    assert as_owner.get(f"{SWITCH}?{query}").status_code == 404


def test_handler_of_the_portal_is_switched_off_for_one_bot_only_when_confirmed(
    rows: Rows, as_owner: Client
) -> None:
    page = reverse("admin:events_handledbot_change", args=[rows.bot.pk])
    asked = text_of(as_owner.post(page, {"handler_1": "on"}))
    assert "Nobody gets an answer." in asked
    assert not HandlerSwitch.objects.exists()
    fields = dict(re.findall(r'<input type="hidden" name="(handler_\d|sure)" value="(\w+)"', asked))
    assert fields == {"handler_0": "False", "handler_1": "True", "sure": "yes"}
    as_owner.post(page, fields)
    assert switches_of(rows.bot.pk) == {"portal.answer": False, "shop.order": True}


def test_stranger_finds_no_figures_of_others(rows: Rows, as_stranger: Client) -> None:
    HandlerRun.objects.create(
        event=stored_event(bot=rows.bot),
        bot=rows.bot,
        handler="shop.order",
        status="dead",
        error="KeyError: 7",
    )
    row = row_of(as_stranger, "shop.order")
    assert "KeyError" not in row
    assert " 0 0 — — for 0 of 1 bots" in row
