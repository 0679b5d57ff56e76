"""What the overview lists of authorizations: apps that are not refreshed, grants that ended, refreshes nobody knows the end of."""

from typing import Any

import pytest
from django.utils import timezone, translation

from auth_sessions.admin import overview
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import RefreshGate
from bots.models import Bot, Incident
from core.access.models import User
from core.console.overview import Problem, Severity
from feishu_portal.overview.problems import findings
from tests.console.rows import make_token, signed_in, text_of
from tests.factories import connect_slots, make_bot, make_operator


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def owner(db: None) -> User:
    return make_operator("owner")


@pytest.fixture
def bot(owner: User) -> Bot:
    return make_own(owner)


def make_own(owner: User) -> Bot:
    made = make_bot()
    made.owners.add(owner)
    connect_slots(made.slots)
    return made


def found(user: User) -> list[Problem]:
    return findings(user).problems


def test_ended_authorizations_of_a_bot_are_one_row_that_asks_its_people_again(owner: User, bot: Bot) -> None:
    tokens = [make_token(bot, status=TokenStatus.NEEDS_REAUTH) for _number in range(2)]
    make_token(make_bot(), status=TokenStatus.NEEDS_REAUTH)

    [one] = found(owner)

    assert one.sentence == f"2 authorizations of “{bot.name}” have ended and must be given again"
    assert (one.scale, str(one.repair.words)) == ("2 people", "Ask again")
    assert one.since == min(token.authorized_at for token in tokens), "not a moment that moves along"
    assert one.repair.permission == "auth_sessions.add_authsession"
    form = text_of(signed_in(owner).get(one.repair.link))
    assert all(token.open_id in form for token in tokens)


def test_each_bot_has_its_own_row(owner: User, bot: Bot) -> None:
    for one in (bot, make_own(owner)):
        make_token(one, status=TokenStatus.NEEDS_REAUTH)
        make_token(one, phase=RefreshPhase.UNCERTAIN)

    assert [one.fact for one in found(owner)] == ["grants", "grants", "uncertain", "uncertain"]


def test_number_beyond_what_is_sorted_is_a_lower_bound(owner: User, bot: Bot, monkeypatch: Any) -> None:
    monkeypatch.setattr(overview, "MAX_READ", 2)
    for _number in range(3):
        make_token(bot, status=TokenStatus.NEEDS_REAUTH)

    [one] = found(owner)

    assert one.scale == "2+ people"


def test_lost_grants_are_one_row_with_those_that_ended(owner: User, bot: Bot) -> None:
    make_token(bot, status=TokenStatus.NEEDS_REAUTH)
    Incident.objects.create(bot=bot, cause="grants_lost", code=20037, message="9", began_at=timezone.now())

    [one] = found(owner)

    assert (one.severity, str(one.repair.words)) == (Severity.FAILING, "Show tokens")
    assert signed_in(owner).get(one.repair.link).context["cl"].result_count == 1


def test_paused_app_is_one_row_with_its_incident_and_its_repair(owner: User, bot: Bot) -> None:
    RefreshGate.objects.create(bot=bot, paused_at=timezone.now(), code=10014)
    [one] = found(owner)
    assert (one.sentence, str(one.repair.words)) == (
        f"Tokens of “{bot.name}” are not refreshed", "Update App Secret"
    )  # fmt: skip
    Incident.objects.create(bot=bot, cause="refresh", code=10014, began_at=timezone.now())
    [again] = found(owner)
    assert (again.key, again.cause, str(again.repair.words)) == (one.key, one.cause, "Update App Secret")
