"""Heartbeats, losses, the platform's count and incidents, as an operator sees them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bots.enums import Channel, LossReason, SlotState
from bots.models import ConnectionLoss, Incident, Notice, PlatformCount
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.factories import make_subscription


def beat(rows: Rows, *, deviation: float, seconds_ago: float = 5) -> None:
    now = timezone.now()
    rows.bot.slots.update(
        state=SlotState.CONNECTED,
        connected_at=now - timedelta(hours=1),
        last_heartbeat_at=now - timedelta(seconds=seconds_ago),
        heartbeats=41,
        heartbeat_intervals=[29.5, 30.5],
        heartbeat_average=30.0,
        heartbeat_deviation=deviation,
        heartbeat_due_at=now + timedelta(seconds=120 - seconds_ago),
        error_code=None,
        error_message="",
    )


def test_steady_heartbeats_are_shown_with_their_figures_and_no_warning(rows: Rows, as_owner: Client) -> None:
    beat(rows, deviation=0.5)
    assert "30.0 s ± 0.5 s" in text_of(as_owner.get(list_of("bots_connectionslot")))
    page = text_of(as_owner.get(page_of("bots_connectionslot", rows.slot)))
    assert "41 heartbeats" in page
    assert "29.5 · 30.5" in page
    assert "Unsteady" not in page
    assert "No heartbeat" not in page


@pytest.mark.parametrize("page", ["bots_connectionslot", "bots_bot"])
def test_deviation_above_five_seconds_and_silence_of_two_minutes_are_warned_of(
    page: str, rows: Rows, as_owner: Client
) -> None:
    beat(rows, deviation=5.2, seconds_ago=125)
    html = text_of(as_owner.get(page_of(page, rows.of(page))))
    assert "Unsteady" in html
    assert "No heartbeat" in html


def test_unsteady_connections_can_be_filtered(rows: Rows, as_owner: Client) -> None:
    beat(rows, deviation=5.2)
    for value, count in (("yes", 1), ("no", 0)):
        answer = as_owner.get(list_of("bots_connectionslot"), {"unsteady": value})
        assert answer.context["cl"].result_count == count


def test_losses_of_a_day_are_counted_and_lead_to_their_list(rows: Rows, as_owner: Client) -> None:
    now = timezone.now()
    for reason, at in (
        (LossReason.SILENT, now),
        (LossReason.MOVED, now),
        (LossReason.SILENT, now - timedelta(hours=25)),
    ):
        ConnectionLoss.objects.create(bot=rows.bot, number=1, at=at, reason=reason)
    [slot] = as_owner.get(list_of("bots_connectionslot")).context["cl"].result_list
    assert slot.losses_of_a_day == 2, "the refused one of the rows, and the silent one; a move is no loss"
    html = text_of(as_owner.get(list_of("bots_connectionslot")))
    address = f"{list_of('bots_connectionloss')}?bot__id__exact={rows.bot.pk}&amp;number=1&amp;since=24h"
    assert address in html
    assert as_owner.get(address.replace("&amp;", "&")).context["cl"].result_count == 3


def count(rows: Rows, **values: Any) -> None:
    PlatformCount.objects.update_or_create(
        bot=rows.bot, defaults={"next_check_at": timezone.now(), "checked_at": timezone.now()} | values
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"online": 1, "held": 1}, "1 at the platform, 1 here"),
        ({"online": 2, "held": 1, "more_counts": 1}, "Checking again"),
        ({"online": 2, "held": 1, "more_counts": 2}, "Foreign connection"),
        ({"online": None, "held": 1}, "The platform gives no number."),
        ({"error_code": 99991400, "error_message": "slow down"}, "slow down"),
        ({"error_reason": "dns"}, "The platform&#x27;s host name cannot be resolved"),
    ],
)
def test_page_of_a_bot_says_what_the_platform_counts(
    values: dict[str, Any], words: str, rows: Rows, as_owner: Client
) -> None:
    count(rows, **values)
    assert words in text_of(as_owner.get(page_of("bots_bot", rows.bot)))


def test_open_incident_is_told_on_the_overview_and_on_the_bots_page_with_cause_and_cure(
    rows: Rows, as_owner: Client
) -> None:
    Incident.objects.create(bot=rows.bot, cause="foreign", message="3/1", began_at=timezone.now())
    for page in (reverse("admin:index"), page_of("bots_bot", rows.bot)):
        html = text_of(as_owner.get(page))
        assert "Somebody else receives events" in html
        assert "The platform counts 3 connections" in html
        assert "reset the App Secret" in html


def test_overview_shows_a_stranger_no_incident(rows: Rows, as_stranger: Client) -> None:
    Incident.objects.create(bot=rows.bot, cause="foreign", message="3/1", began_at=timezone.now())
    assert "Somebody else receives events" not in text_of(as_stranger.get(reverse("admin:index")))


def test_incident_of_a_subscription_leads_its_owner_to_it_and_nobody_else(
    owner: Any, as_owner: Client, as_stranger: Client
) -> None:
    subscription = make_subscription(owner=owner, name="Shop")
    incident = Incident.objects.create(
        subject=subscription.name,
        subject_id=subscription.pk,
        owner=owner,
        cause="deliveries",
        message="HTTP 503",
        began_at=timezone.now(),
    )
    overview = text_of(as_owner.get(reverse("admin:index")))
    assert "The receiver of “Shop” takes no events" in overview
    for page in (list_of("bots_incident"), page_of("bots_incident", incident)):
        assert page_of("events_subscription", subscription) in text_of(as_owner.get(page))
    assert "Shop" not in text_of(as_stranger.get(list_of("bots_incident")))
    assert as_stranger.get(page_of("bots_incident", incident)).status_code == 404


def test_page_of_an_incident_says_who_was_told(rows: Rows, owner: Any, as_owner: Client) -> None:
    Notice.objects.create(
        incident=rows.incident,
        user=owner,
        channel=Channel.EMAIL,
        problem_sent_at=timezone.now(),
        error="mail_unreachable: ConnectionRefusedError: [Errno 111] refused",
    )
    html = text_of(as_owner.get(page_of("bots_incident", rows.incident)))
    assert "owner" in html
    assert "E-mail" in html
    assert "just now" in html
    assert "<summary>The mail server cannot be reached.</summary>" in html


@pytest.mark.parametrize(
    ("reason", "code", "message", "shown"),
    [
        (LossReason.NETWORK, None, "no close frame received or sent", ""),
        (LossReason.CLOSED, 1011, "received 1011 (internal error)", "1011"),
        (LossReason.ERROR, None, "ValueError: no such frame", "Technical details"),
    ],
)
def test_what_a_library_said_of_a_lost_connection_has_to_be_opened(
    rows: Rows, as_owner: Client, reason: LossReason, code: int | None, message: str, shown: str
) -> None:
    ConnectionLoss.objects.update(reason=reason, code=code, message=message)
    html = text_of(as_owner.get(list_of("bots_connectionloss")))
    assert shown in html
    assert ('<div class="portal-said">' + message in html) is bool(shown)
    assert html.count(message) == bool(shown)
