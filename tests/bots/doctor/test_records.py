from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from django.utils import timezone

from bots.doctor import observations, records, schedule
from bots.doctor.findings import Check, Finding
from bots.doctor.observations import Observation
from bots.enums import CheckResult
from bots.models import Bot, Checkup, StoredFinding
from feishu.text import Text
from feishu.transport import Transport as Http
from tests.bots.doctor.patient import SECRET, app_of, issued
from tests.factories import make_bot

pytestmark = pytest.mark.django_db
SAID = Text("说法", "Words")


@pytest.fixture
def seen(monkeypatch) -> list[Observation]:
    """What is seen of any bot; nothing else is."""
    observed: list[Observation] = []
    monkeypatch.setattr(observations, "_observers", [lambda _bot: observed])
    return observed


def results_of(bot: Bot) -> dict[str, str]:
    return dict(StoredFinding.objects.filter(bot=bot).values_list("check_name", "result"))


def row(bot: Bot, check: Check) -> StoredFinding:
    return StoredFinding.objects.get(bot=bot, check_name=check)


def finding(check: Check, result: CheckResult, cause: Text = SAID) -> Finding:
    return Finding(check, result, cause)


def test_a_saved_bot_is_examined_and_each_check_has_one_row(bot, platform):
    http = Http()
    for _time in range(2):
        records.examine_due(bot.pk, transport=http)
    http.close()
    assert results_of(bot)["redirect_url"] == CheckResult.OK
    assert results_of(bot)["first_message"] == CheckResult.WAITING
    assert len(results_of(bot)) == StoredFinding.objects.filter(bot=bot).count()
    checkup = Checkup.objects.get(bot=bot)
    assert checkup.checked_at is not None
    assert checkup.next_check_at > timezone.now() + timedelta(hours=20)
    assert SECRET not in repr(list(StoredFinding.objects.values()))


def test_what_is_wrong_keeps_its_since_until_it_is_right(bot, platform):
    platform.application.respond(json=app_of(bot, redirect_urls=[]))
    records.examine_due(bot.pk)
    StoredFinding.objects.update(since=timezone.now() - timedelta(days=3))
    records.examine_due(bot.pk)
    assert row(bot, Check.REDIRECT_URL).since < timezone.now() - timedelta(days=2)
    platform.application.respond(json=app_of(bot))
    records.examine_due(bot.pk)
    assert row(bot, Check.REDIRECT_URL).result == CheckResult.OK
    assert row(bot, Check.REDIRECT_URL).since > timezone.now() - timedelta(days=1)


def test_a_bot_that_is_saved_during_its_examination_is_examined_again(bot, platform):
    def save_meanwhile(_request: httpx2.Request) -> httpx2.Response:
        schedule.examine_on_commit(bot)
        return httpx2.Response(200, json=issued())

    platform.token.mock(side_effect=save_meanwhile)
    records.examine_due(bot.pk)
    soon = timezone.now() + schedule.CLAIM + timedelta(minutes=1)
    assert Checkup.objects.get(bot=bot).next_check_at < soon


def test_a_platform_that_is_away_is_asked_again_within_twenty_minutes(bot, platform):
    platform.token.respond(503, text="down")
    platform.endpoint.respond(503, text="down")
    records.examine_due(bot.pk)
    assert results_of(bot)["credentials"] == CheckResult.UNKNOWN
    assert Checkup.objects.get(bot=bot).next_check_at < timezone.now() + timedelta(minutes=20)


def test_a_network_that_fails_is_tried_again_within_twenty_minutes_though_it_is_called_wrong(bot, platform):
    platform.token.mock(side_effect=httpx2.ConnectError("no route"))
    records.examine_due(bot.pk)
    assert results_of(bot)["credentials"] == CheckResult.WRONG
    assert Checkup.objects.get(bot=bot).next_check_at < timezone.now() + timedelta(minutes=20)


def test_a_secret_that_is_refused_is_tried_again_tomorrow(bot, platform):
    platform.token.respond(json={"code": 10014, "msg": "no"})
    records.examine_due(bot.pk)
    assert results_of(bot)["credentials"] == CheckResult.WRONG
    assert Checkup.objects.get(bot=bot).next_check_at > timezone.now() + timedelta(hours=20)


def test_a_bot_that_is_gone_is_not_examined(bot, platform):
    records.examine_due(uuid4())
    records.observe(uuid4())
    Bot.objects.filter(pk=bot.pk).update(deleted_at=timezone.now())
    records.examine_due(bot.pk)
    assert not platform.token.called


def test_an_examination_that_ends_late_overwrites_no_later_one(bot):
    now = timezone.now()
    records.keep(bot, [finding(Check.VERSION, CheckResult.OK)], looked_at=now)
    records.keep(bot, [finding(Check.VERSION, CheckResult.WRONG)], looked_at=now - timedelta(seconds=1))
    assert results_of(bot) == {"version": CheckResult.OK}


def test_rows_of_checks_that_do_not_apply_any_more_go(bot):
    records.keep(bot, [finding(Check.WEBHOOK_KEYS, CheckResult.WRONG)], looked_at=timezone.now())
    records.keep(bot, [finding(Check.VERSION, CheckResult.OK)], looked_at=timezone.now())
    assert results_of(bot) == {"version": CheckResult.OK}


def test_a_first_message_stays_seen_when_its_event_is_deleted(bot):
    records.keep(bot, [finding(Check.FIRST_MESSAGE, CheckResult.OK)], looked_at=timezone.now())
    records.keep(bot, [finding(Check.FIRST_MESSAGE, CheckResult.WAITING)], looked_at=timezone.now())
    assert results_of(bot) == {"first_message": CheckResult.OK}


@pytest.mark.parametrize(
    ("found", "seen_result", "is_newer", "stands"),
    [
        (CheckResult.UNKNOWN, CheckResult.OK, False, CheckResult.OK),
        (CheckResult.WAITING, CheckResult.OK, False, CheckResult.OK),
        (CheckResult.WRONG, CheckResult.OK, False, CheckResult.WRONG),
        (CheckResult.WRONG, CheckResult.OK, True, CheckResult.OK),
        (CheckResult.OK, CheckResult.WRONG, False, CheckResult.OK),
        (CheckResult.OK, CheckResult.WRONG, True, CheckResult.WRONG),
    ],
)
def test_what_was_seen_counts_where_it_is_newer_or_nothing_certain_was_found(
    bot, seen, found, seen_result, is_newer, stands
):
    looked_at = timezone.now()
    records.keep(bot, [finding(Check.REFRESH, found)], looked_at=looked_at)
    offset = timedelta(minutes=1 if is_newer else -1)
    seen.append(Observation(finding(Check.REFRESH, seen_result), looked_at + offset))
    assert records.states_now(bot)[Check.REFRESH].finding.result is stands
    records.observe(bot.pk)
    assert results_of(bot) == {"refresh": stands}


def test_what_consents_show_has_a_row_without_an_examination_of_its_own(bot, seen):
    records.keep(bot, [finding(Check.VERSION, CheckResult.OK)], looked_at=timezone.now())
    seen.append(Observation(finding(Check.CONSENT, CheckResult.WARNING), timezone.now()))
    records.observe(bot.pk)
    assert results_of(bot) == {"version": CheckResult.OK, "consent": CheckResult.WARNING}


def test_something_bad_that_is_seen_has_the_bot_examined_once_an_hour(bot, seen):
    long_ago = timezone.now() - timedelta(hours=2)
    later = timezone.now() + timedelta(hours=20)
    for checked_at, is_due in ((long_ago, True), (timezone.now(), False)):
        Checkup.objects.filter(bot=bot).update(checked_at=checked_at, next_check_at=later)
        StoredFinding.objects.all().delete()
        seen[:] = [Observation(finding(Check.CONSENT, CheckResult.WRONG), timezone.now())]
        records.observe(bot.pk)
        assert (Checkup.objects.get(bot=bot).next_check_at <= timezone.now()) is is_due


def test_nothing_is_written_where_nothing_changed(bot, seen, django_assert_num_queries):
    records.keep(bot, [finding(Check.VERSION, CheckResult.OK)], looked_at=timezone.now())
    with django_assert_num_queries(3):  # the bot, and its rows twice
        records.observe(bot.pk)


def test_words_of_any_length_are_kept(bot):
    long = Finding(
        Check.USER_SCOPES,
        CheckResult.WRONG,
        Text("长" * 3000, "x\x00" * 3000),
        value="scope " * 2000,
        log_id="l" * 300,
    )
    records.keep(bot, [long], looked_at=timezone.now())
    assert row(bot, Check.USER_SCOPES).cause_zh == "长" * 1000


def test_owners_of_other_bots_see_no_finding(bot):
    records.keep(bot, [finding(Check.VERSION, CheckResult.WRONG)], looked_at=timezone.now())
    other = make_bot()
    assert records.stored(other) == {}
