import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from auth_sessions.enums import RefreshPhase, SessionState, TokenStatus
from auth_sessions.models import RefreshGate, UserToken
from bots.enums import CheckResult
from bots.models import Bot, Incident, StoredFinding
from core.access.models import User
from core.console.overview import Problem
from events.enums import EventStatus, SubscriptionState
from events.models import Event, Subscription
from feishu_portal.overview.problems import findings
from tests.console.rows import (
    Rows,
    make_event,
    make_rows,
    make_session,
    make_token,
    signed_in,
    text_of,
)
from tests.factories import connect_slots, make_bot, make_subscription

INDEX = "/admin/"


def cards(client: Client) -> dict[str, str]:
    groups = client.get(INDEX).context["card_groups"]
    return {card.name: card.value for _title, group in groups for card in group}


def problems(user: User) -> list[Problem]:
    with translation.override("en"):
        return findings(user).problems


def problem(user: User, fact: str) -> Problem:
    return next(one for one in problems(user) if one.fact == fact)


def test_fresh_installation_shows_the_three_steps(as_superuser: Client) -> None:
    html = text_of(as_superuser.get(INDEX))
    assert 'data-testid="start"' in html
    assert reverse("admin:bots_bot_add") in html


def test_sandbox_beside_the_portal_is_offered_until_an_event_has_come(as_superuser: Client, settings) -> None:
    assert "try-sandbox" not in text_of(as_superuser.get(INDEX))
    settings.SANDBOX_URL = "http://localhost:9800"
    assert 'href="http://localhost:9800/"' in text_of(as_superuser.get(INDEX))
    bot = make_bot()
    assert 'href="http://localhost:9800/"' in text_of(as_superuser.get(INDEX))
    make_event(bot)
    assert "try-sandbox" not in text_of(as_superuser.get(INDEX))


def test_viewer_without_a_bot_is_told_whom_to_ask(db: None) -> None:
    user = User.objects.create_user("new", role="viewer")
    html = text_of(signed_in(user).get(INDEX))
    assert "Ask an administrator" in html
    assert reverse("admin:bots_bot_add") not in html


def revoke(*tokens: UserToken) -> None:
    UserToken.objects.filter(pk__in=[token.pk for token in tokens]).destroy_tokens(TokenStatus.REVOKED)


def test_cards_count_what_there_is(rows: Rows, as_superuser: Client) -> None:
    connected = make_rows()
    connect_slots(connected.bot.slots)
    make_rows(transport="webhook")
    make_rows(enabled=False)
    make_event(rows.bot, EventStatus.QUARANTINED)
    make_session(rows.bot, SessionState.OPENED)
    make_token(rows.bot, phase=RefreshPhase.UNCERTAIN)
    make_token(rows.bot, status=TokenStatus.NEEDS_REAUTH)
    revoke(make_token(rows.bot), make_token(rows.bot))
    old = make_event(rows.bot)
    Event.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(hours=25))
    assert cards(as_superuser) == {
        "bots": "4",
        "connected": "1",
        "not-connected": "1",
        "events": "5",
        "failed": "4",
        "quarantined": "1",
        "open-sessions": "1",
        "active-tokens": "5",
        "needs-reauth": "1",
        "uncertain": "1",
        "revoked": "2",
    }


def test_each_card_links_to_a_list_that_opens(rows: Rows, as_superuser: Client) -> None:
    links = re.findall(r'class="portal-card" href="([^"]+)"', text_of(as_superuser.get(INDEX)))
    assert len(links) == 11
    assert {as_superuser.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_card_number_is_the_length_of_the_list_behind_it(rows: Rows, as_superuser: Client) -> None:
    make_session(rows.bot, SessionState.SENT)
    revoke(make_token(rows.bot))
    for _title, group in as_superuser.get(INDEX).context["card_groups"]:
        for card in group:
            assert str(as_superuser.get(card.link).context["cl"].result_count) == card.value, card.name


def test_numbers_are_those_of_the_own_bots(rows: Rows, as_owner: Client, as_stranger: Client) -> None:
    assert cards(as_owner)["failed"] == "1"
    theirs = cards(as_stranger)
    assert (theirs["failed"], theirs["active-tokens"]) == ("0", "0")
    assert rows.bot.name not in text_of(as_stranger.get(INDEX))


def test_unconnected_bot_is_named_with_the_reason(rows: Rows, owner: User) -> None:
    assert "App ID or App Secret is wrong" in problem(owner, "connection").text
    assert rows.bot.name in text_of(signed_in(owner).get(INDEX))
    assert "App ID 或 App Secret 不正确" in text_of(signed_in(owner, "zh-CN").get(INDEX))


def test_bot_whose_process_died_is_not_called_connected(rows: Rows, owner: User, as_owner: Client) -> None:
    connect_slots(rows.bot.slots)
    rows.bot.slots.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert (cards(as_owner)["connected"], cards(as_owner)["not-connected"]) == ("0", "1")
    assert "No process holds this connection" in problem(owner, "connection").text


def test_every_problem_leads_to_pages_that_open(rows: Rows, superuser: User, as_superuser: Client) -> None:
    make_token(rows.bot, status=TokenStatus.NEEDS_REAUTH)
    make_token(rows.bot, phase=RefreshPhase.UNCERTAIN)
    make_event(rows.bot, EventStatus.QUARANTINED)
    finding(rows.bot, "version")
    Incident.objects.create(bot=rows.bot, cause="foreign", message="3/1", began_at=timezone.now())
    found = problems(superuser)
    assert {one.fact for one in found} == {
        "connection", "foreign", "setup", "handler", "unreadable", "grants", "uncertain"
    }  # fmt: skip
    addresses = {address.partition("#")[0] for one in found for address in (one.link, one.repair.link)}
    assert {as_superuser.get(address).status_code for address in addresses} == {200}


@pytest.fixture
def healthy(rows: Rows) -> Rows:
    """Nothing of what the rows hold calls for a person."""
    connect_slots(rows.bot.slots, error_at=None, error_code=None, down_since=None)
    rows.incident.delete()
    rows.event.delete()
    rows.session.delete()
    return rows


def verdict(client: Client) -> tuple[str, str, str]:
    """Tone, sentence and the page's title."""
    response = client.get(INDEX)
    found = response.context["verdict"]
    title = re.search(r"<title>\s*(.*?)\s*</title>", text_of(response), re.DOTALL)
    assert title
    return found.tone, found.sentence.replace("\xa0", " "), title[1].split("|")[0].strip()


def test_installation_without_problems_says_so(healthy: Rows, as_owner: Client) -> None:
    assert verdict(as_owner) == ("good", "All well", "Overview")
    assert "icon-failing" not in text_of(as_owner.get(INDEX))


def test_bot_that_hears_nothing_is_the_first_sentence_and_in_the_title(
    healthy: Rows, as_owner: Client
) -> None:
    make_bot(enabled=False).owners.add(healthy.bot.owners.get())
    healthy.bot.slots.update(lease_until=None, down_since=timezone.now() - timedelta(minutes=12, seconds=5))
    sentence = "1 of 2 bots has received no events for 12 minutes"
    assert verdict(as_owner) == ("failing", sentence, "(1) Overview")
    assert "portal/icon-failing" in text_of(as_owner.get(INDEX))


def test_age_of_an_outage_is_that_of_the_last_good_state(healthy: Rows, as_owner: Client) -> None:
    healthy.bot.slots.update(
        lease_until=None,
        down_since=timezone.now() - timedelta(hours=2, minutes=1),
        state_changed_at=timezone.now(),
    )
    assert "for 2 hours" in verdict(as_owner)[1]


@pytest.mark.parametrize(
    ("spoiled", "tone", "sentence"),
    [
        (lambda bot: make_event(bot, EventStatus.DEAD), "failing", "1 event failed in “shop.handlers.order”"),
        (
            lambda bot: make_event(bot, EventStatus.QUARANTINED),
            "attention",
            "1 event of “{bot}” could not be read",
        ),
        (
            lambda bot: make_token(bot, status=TokenStatus.NEEDS_REAUTH),
            "attention",
            "1 authorization of “{bot}” has ended and must be given again",
        ),
        (
            lambda bot: make_token(bot, phase=RefreshPhase.UNCERTAIN),
            "attention",
            "Whether 1 token of “{bot}” was refreshed is unknown",
        ),
        (
            lambda bot: RefreshGate.objects.create(bot=bot, paused_at=timezone.now()),
            "failing",
            "Tokens of “{bot}” are not refreshed",
        ),
        (lambda bot: finding(bot, "version"), "attention", "“{bot}” is not set up completely"),
        (lambda bot: finding(bot, "redirect_url"), "failing", "Nobody can authorize “{bot}”"),
    ],
)
def test_whatever_is_wrong_takes_the_all_clear_away(
    healthy: Rows, as_owner: Client, as_stranger: Client, stranger: User, spoiled, tone, sentence
) -> None:
    connect_slots(stranger.bots.get().slots)
    strangers_verdict = verdict(as_stranger)
    spoiled(healthy.bot)
    assert verdict(as_owner)[:2] == (tone, sentence.format(bot=healthy.bot.name))
    assert verdict(as_stranger) == strangers_verdict


def test_stopped_subscription_is_named(healthy: Rows, owner: User, as_owner: Client) -> None:
    subscription = make_subscription(healthy.bot, owner=owner)
    Subscription.objects.update(state=SubscriptionState.GONE, state_since=timezone.now())
    assert verdict(as_owner)[:2] == ("failing", f"The subscription “{subscription.name}” gets no events")


def test_open_incident_speaks_and_a_closed_one_is_the_last_problem(healthy: Rows, as_owner: Client) -> None:
    incident = Incident.objects.create(
        bot=healthy.bot, cause="foreign", began_at=timezone.now() - timedelta(days=3)
    )
    assert verdict(as_owner)[:2] == ("failing", incident.headline)
    Incident.objects.update(closed_at=timezone.now() - timedelta(days=2))
    assert verdict(as_owner)[1] == "All well. The last problem ended 2 days ago"


@pytest.mark.parametrize("name", ["as_owner", "as_superuser"])
def test_overview_takes_as_many_queries_for_three_bots_as_for_one(
    name: str, rows: Rows, owner: User, request: pytest.FixtureRequest, django_assert_num_queries
) -> None:
    client = request.getfixturevalue(name)
    with CaptureQueriesContext(connection) as one:
        client.get(INDEX)
    for _ in range(2):
        make_rows().bot.owners.add(owner)
    with django_assert_num_queries(len(one)):
        client.get(INDEX)


def test_events_of_other_bots_take_no_place_of_the_own_ones(
    rows: Rows, owner: User, as_owner: Client, monkeypatch
) -> None:
    monkeypatch.setattr("events.admin.overview.NEWEST", 2)
    stranger = make_rows()
    for _ in range(3):
        make_event(stranger.bot)
    assert cards(as_owner)["events"] == "1"
    assert cards(as_owner)["failed"] == "1"
    assert problem(owner, "handler").sentence == "1 event failed in “shop.handlers.order”"


def test_overview_looks_at_a_bounded_stretch_of_events(rows: Rows, as_superuser: Client, monkeypatch) -> None:
    monkeypatch.setattr("events.admin.overview.NEWEST", 2)
    for _ in range(3):
        make_event(rows.bot, EventStatus.DONE)
    assert cards(as_superuser)["events"] == "2+"
    assert cards(as_superuser)["failed"] == "0"


def finding(bot: Bot, name: str, result: CheckResult = CheckResult.WRONG) -> None:
    now = timezone.now()
    StoredFinding.objects.create(
        bot=bot, check_name=name, result=result, cause_zh="因", cause_en="cause", since=now, looked_at=now
    )


def test_bots_with_open_rows_are_named_with_what_is_to_be_set_right(rows: Rows, as_owner: Client) -> None:
    for name in ("redirect_url", "user_scopes", "refresh", "version"):
        finding(rows.bot, name)
    finding(make_rows().bot, "version")
    html = text_of(as_owner.get(INDEX))
    assert html.count("4 things to set right") == 1
    assert "Scopes to ask users for, Redirect URL, Switch “Refresh user_access_token” and others" in html
    assert f"{reverse('admin:bots_bot_change', args=[rows.bot.pk])}#checklist" in html
    assert "1 thing to set right" not in html


def test_welcome_without_a_public_address_speaks_of_device_codes(as_superuser: Client, settings) -> None:
    settings.PUBLIC_URL = ""
    html = text_of(as_superuser.get(INDEX))
    assert "people authorize by device code" in html
    assert "without it there is no redirect URL" not in html
