"""Bots whose authorizations fail are on the overview, and others are not."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from auth_sessions.admin.failing import failing_bots
from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import AuthSession
from bots.models import Bot
from core.access.models import User
from core.console.overview import Severity
from tests.factories import make_bot, make_operator


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def owner(db: None) -> User:
    return make_operator("owner")


@pytest.fixture
def bot(owner: User) -> Bot:
    made = make_bot(name="Tickets")
    made.owners.add(owner)
    return made


def sessions(bot: Bot, state: SessionState, *, count: int = 1, hours: float = 1, **values: Any) -> None:
    at = timezone.now() - timedelta(hours=hours)
    for _number in range(count):
        AuthSession.objects.create(
            bot=bot,
            open_id=f"ou_{uuid4().hex}",
            state=state,
            reason=values.get("reason", FailureReason.PLATFORM_ERROR) if state == SessionState.FAILED else "",
            error_code=values.get("error_code"),
            requested_by="system",
            start_hash=uuid4().hex,
            created_at=at,
            expires_at=at + timedelta(days=1),
            finished_at=at,
        )


def test_burst_of_failures_is_a_row_with_the_cause_and_its_repair(owner: User, bot: Bot) -> None:
    sessions(bot, SessionState.FAILED, count=3, error_code=20029)
    [one] = failing_bots(owner)
    assert one.sentence == "3 authorizations of “Tickets” failed within a day"
    assert one.text.startswith("3 times: The platform refused.")
    assert "redirect URL" in one.text
    assert str(one.repair.words) == "Open checklist"
    assert one.severity is Severity.FAILING, "nobody gets through"
    assert "state__exact=failed" in one.link


def test_mistakes_of_people_lead_to_the_requests(owner: User, bot: Bot) -> None:
    sessions(bot, SessionState.AUTHORIZED, hours=2)
    sessions(bot, SessionState.FAILED, count=4, reason=FailureReason.WRONG_PERSON)
    [one] = failing_bots(owner)
    assert (str(one.repair.words), one.repair.link) == ("Show requests", one.link)
    assert one.severity is Severity.ATTENTION, "others got through"
    assert one.since < timezone.now() - timedelta(hours=1.5), "the last good moment"


@pytest.mark.parametrize(
    ("failed", "hours", "authorized"),
    [
        (2, 1, 0),
        (3, 25, 0),
        (3, 2, 30),
    ],
    ids=["few", "yesterday", "a small share, and it works again"],
)
def test_what_needs_nobody_is_no_row(failed, hours, authorized, owner: User, bot: Bot) -> None:
    sessions(bot, SessionState.FAILED, count=failed, hours=hours)
    sessions(bot, SessionState.AUTHORIZED, count=authorized, hours=0.5)
    assert list(failing_bots(owner)) == []


def test_large_share_is_a_row_though_it_works_again(owner: User, bot: Bot) -> None:
    sessions(bot, SessionState.FAILED, count=3, hours=2)
    sessions(bot, SessionState.AUTHORIZED, count=5, hours=0.5)
    assert len(list(failing_bots(owner))) == 1


def test_foreign_and_disabled_bots_are_no_rows(owner: User, bot: Bot) -> None:
    sessions(make_bot(), SessionState.FAILED, count=3)
    sessions(bot, SessionState.FAILED, count=3)
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    assert list(failing_bots(owner)) == []


def test_rows_of_many_bots_take_as_many_queries_as_of_one(owner: User, bot: Bot) -> None:
    sessions(bot, SessionState.FAILED, count=3)
    taken = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert list(failing_bots(owner))
        taken.append(len(queries))
        other = make_bot()
        other.owners.add(owner)
        sessions(other, SessionState.FAILED, count=3)
    assert taken[0] == taken[1]
