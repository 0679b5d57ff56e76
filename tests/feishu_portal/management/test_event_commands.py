import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bots.models import Bot
from core.access.models import AuditEntry
from events.enums import EventStatus, ReplayState, RunStatus
from events.handling.registry import HandlerRegistry, on
from events.log import replay
from events.models import Event, HandlerRun, ReplayJob
from tests.events.handler_runs import stored_event
from tests.events.log.rows import make_event
from tests.factories import make_bot, message_event

TYPE = "shop.order_v1"


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.fixture(autouse=True)
def handler(monkeypatch) -> str:
    monkeypatch.setattr("events.handling.registry._registry", HandlerRegistry())
    monkeypatch.setattr("events.log.replay.notify_worker", lambda: True)

    def order(event: Event, bot: Bot) -> None: ...

    on(TYPE)(order)
    return f"{order.__module__}.{order.__qualname__}"


def dead(bot: Bot, handler: str) -> Event:
    event = make_event(bot, event_type=TYPE, status=EventStatus.DEAD)
    HandlerRun.objects.create(event=event, bot=bot, handler=handler, status=RunStatus.DEAD)
    return event


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_replay_of_what_a_filter_matches(bot: Bot, handler: str) -> None:
    events = [dead(bot, handler) for _ in range(3)]
    dead(make_bot(), handler)
    make_event(bot)
    arguments = ("replayevents", "--bot", bot.app_id, "--status", "dead", "--rate", "1000")
    assert run(*arguments, "--dry-run") == "3 events match.\n"
    assert not ReplayJob.objects.exists()
    assert run(*arguments) == "3 events replayed, 0 skipped.\n"
    assert set(HandlerRun.objects.filter(round=1).values_list("event", flat=True)) == {
        one.pk for one in events
    }
    assert AuditEntry.objects.get(action="replay.started").actor == "command:replayevents"


def test_replay_in_the_background_is_left_to_the_workers(bot: Bot, handler: str) -> None:
    dead(bot, handler)
    assert "1 events is left to the workers" in run("replayevents", "--background")
    assert ReplayJob.objects.get().state == ReplayState.WAITING


def test_an_interrupted_replay_is_cancelled(bot: Bot, handler: str, monkeypatch) -> None:
    dead(bot, handler)

    def interrupt(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("feishu_portal.management.commands.replayevents.advance", interrupt)
    with pytest.raises(CommandError, match="Cancelled after 0"):
        run("replayevents")
    assert ReplayJob.objects.get().state == ReplayState.CANCELLED


def test_a_replay_that_fails_says_so(bot: Bot, handler: str, monkeypatch) -> None:
    dead(bot, handler)
    monkeypatch.setattr(replay, "reprocess", lambda *_arguments: 1 / 0)
    with pytest.raises(CommandError, match="ZeroDivisionError"):
        run("replayevents")


@pytest.mark.parametrize(
    "arguments",
    [("--bot", "cli_none"), ("--rate", "0"), ("--rate", "x"), ("--since", "x"), ("--status", "x")],
)
def test_arguments_that_make_no_sense_are_refused(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("replayevents", *arguments)


def test_prune_counts_first_and_deletes_when_told(bot: Bot) -> None:
    for _ in range(3):
        make_event(bot, received_at=timezone.now() - timedelta(days=100))
    young = make_event(bot)
    assert run("pruneevents", "--dry-run").endswith("\n3 events would be deleted.\n")
    assert Event.objects.count() == 4
    assert run("pruneevents") == "3 events deleted.\n"
    assert list(Event.objects.all()) == [young]
    assert AuditEntry.objects.get(action="events.pruned").detail == {"events": 3}


def test_blanktokens_blanks_stored_tokens_and_is_audited(bot, capsys):
    event = stored_event(bot=bot)
    Event.objects.filter(pk=event.pk).update(payload=json.dumps(message_event()).encode())
    call_command("blanktokens")
    assert "1 events held a token." in capsys.readouterr().out
    assert b"verification-token" not in bytes(Event.objects.get().payload)
    assert AuditEntry.objects.get(action="events.tokens_blanked").detail == {"events": 1}
