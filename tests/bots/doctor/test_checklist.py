from datetime import timedelta

import pytest
from django.utils import timezone

from bots.doctor.checklist import ITEMS, NEW, bots_with_open_rows, checklist
from bots.doctor.findings import AFTER_ANOTHER, Check, Finding
from bots.doctor.records import examine_due, keep
from bots.enums import CheckResult
from bots.models import Bot
from core.access.models import User
from feishu.text import Text
from tests.bots.doctor.patient import app_of
from tests.factories import connect_slots, make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return make_operator("root", superuser=True)


def keep_findings(bot: Bot, **results: CheckResult) -> None:
    found = [Finding(Check(name), result, Text("因", "Cause")) for name, result in results.items()]
    keep(bot, found, looked_at=timezone.now())


def test_every_check_has_a_row_with_its_reason():
    assert set(ITEMS) == set(Check)
    assert all(item.why.zh_cn and item.why.en_us for item in ITEMS.values())


def test_a_new_bot_at_a_platform_where_all_is_well_waits_for_its_first_use(bot, platform):
    examine_due(bot.pk)
    found = checklist(bot)
    assert [row.check for row in found.open_rows] == [
        Check.AVAILABILITY,
        Check.FIRST_MESSAGE,
        Check.FIRST_AUTHORIZATION,
    ]
    assert not found.is_green


def test_open_rows_have_a_value_to_copy_and_a_link_of_the_bots_platform(bot, platform):
    platform.application.respond(json=app_of(bot, redirect_urls=[], callback_info=None))
    examine_due(bot.pk)
    bot.platform = "lark"
    by_check = {row.check: row for row in checklist(bot).open_rows}
    redirect, clicks = by_check[Check.REDIRECT_URL], by_check[Check.CLICKS]
    assert redirect.state.finding.value == bot.redirect_uri
    assert redirect.link == f"https://open.larksuite.com/app/{bot.app_id}/safe"
    assert (clicks.state.finding.value, clicks.link[-6:]) == ("card.action.trigger", "/event")


def test_what_may_stay_unknown_keeps_nothing_open(bot):
    keep_findings(
        bot, connections=CheckResult.UNKNOWN, application=CheckResult.UNKNOWN, version=CheckResult.OK
    )
    assert checklist(bot).is_green
    keep_findings(bot, connections=CheckResult.WRONG)
    assert not checklist(bot).is_green


def test_nothing_is_green_before_the_first_examination():
    assert not checklist(make_bot(app_secret="s")).is_green


def test_what_another_problem_puts_off_waits_apart_and_is_not_counted(bot, platform, root):
    platform.token.respond(json={"code": 10014, "msg": "app secret invalid"})
    examine_due(bot.pk)
    found = checklist(bot)
    assert Check.CREDENTIALS in {row.check for row in found.open_rows}
    assert {Check.BOT, Check.MESSAGES, Check.REDIRECT_URL} <= {row.check for row in found.put_off_rows}
    assert {row.state.finding.cure for row in found.put_off_rows} == {AFTER_ANOTHER}
    assert not found.is_green
    [listed] = bots_with_open_rows(root, 5)
    assert set(listed.checks) <= {row.check for row in found.open_rows}


def test_secret_that_no_key_opens_shows_at_once(bot, settings):
    keep_findings(bot, app_secret=CheckResult.OK)
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert [row.check for row in checklist(Bot.objects.get(pk=bot.pk)).open_rows] == [Check.APP_SECRET]


def test_event_tab_says_whether_the_console_lets_one_save_it_now(bot):
    keep_findings(bot, events=CheckResult.WRONG, callbacks=CheckResult.OK)

    def notes() -> list[str]:
        return [row.note.en_us for row in checklist(bot).rows if row.note]

    assert notes() == ["The long connection is up: the developer console lets you save now"]
    bot.slots.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert notes() == ["The developer console lets you save only while the long connection is up"]


def test_overview_lists_bots_with_open_rows_the_longest_first(root):
    first, second, fine = make_bot(), make_bot(), make_bot()
    keep_findings(first, version=CheckResult.WRONG, refresh=CheckResult.WARNING, clock=CheckResult.UNKNOWN)
    keep_findings(second, refresh=CheckResult.WARNING, application=CheckResult.UNKNOWN)
    keep_findings(fine, version=CheckResult.OK)
    listed = bots_with_open_rows(root, 5)
    assert [(one.bot, one.checks) for one in listed] == [
        (first, [Check.REFRESH, Check.VERSION]),
        (second, [Check.REFRESH]),
    ]
    assert [one.bot for one in bots_with_open_rows(root, 1)] == [first]


def test_what_only_use_shows_counts_while_a_bot_is_new(root):
    bot = make_bot()
    keep_findings(bot, first_message=CheckResult.WAITING, availability=CheckResult.UNKNOWN)
    assert [one.checks for one in bots_with_open_rows(root, 5)] == [[Check.AVAILABILITY, Check.FIRST_MESSAGE]]
    Bot.objects.filter(pk=bot.pk).update(created_at=timezone.now() - NEW - timedelta(hours=1))
    assert bots_with_open_rows(root, 5) == []


def test_bots_that_are_switched_off_or_somebody_elses_are_not_listed(root):
    stranger = make_operator("stranger")
    bot, off = make_bot(), make_bot(enabled=False)
    for one in (bot, off):
        keep_findings(one, version=CheckResult.WRONG)
    assert bots_with_open_rows(stranger, 5) == []
    assert [one.bot for one in bots_with_open_rows(root, 5)] == [bot]


def test_overview_reads_in_as_many_queries_however_many_bots_there_are(root, django_assert_num_queries):
    for _number in range(3):
        keep_findings(make_bot(), version=CheckResult.WRONG)
    with django_assert_num_queries(3):
        assert len(bots_with_open_rows(root, 5)) == 3


def test_a_page_reads_a_checklist_in_a_fixed_number_of_queries(bot, platform, django_assert_max_num_queries):
    examine_due(bot.pk)
    connect_slots(bot.slots)
    with django_assert_max_num_queries(14):
        checklist(bot)
