import pytest

from bots.doctor.findings import Check
from bots.enums import CheckResult
from bots.models import Bot
from tests.bots.doctor.patient import app_of, described, look, results

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [0, 1, 3, 4, 5, 6, 99])
def test_bot_that_is_not_enabled_is_said_in_words(bot, platform, status):
    platform.bot.respond(json=described(status))
    finding = look(bot)[Check.BOT]
    assert finding.result is (CheckResult.WARNING if status == 4 else CheckResult.WRONG)
    assert finding.cure.en_us


def test_app_without_bot_capability_is_wrong(bot, platform):
    platform.bot.respond(400, json={"code": 11205, "msg": "app do not have bot"})
    finding = look(bot)[Check.BOT]
    assert (finding.result, finding.code) == (CheckResult.WRONG, 11205)
    assert "Add Features" in finding.cure.en_us


@pytest.mark.parametrize(
    ("values", "result"),
    [
        ({"status": 0}, CheckResult.WRONG),
        ({"status": 2}, CheckResult.WRONG),
        ({"status": 3}, CheckResult.OK),
    ],
)
def test_state_of_the_app_is_judged(bot, platform, values, result):
    platform.application.respond(json=app_of(bot, **values))
    assert look(bot)[Check.APPLICATION].result is result


@pytest.mark.parametrize(
    ("values", "result"),
    [
        ({"online_version_id": "oav_1", "unaudit_version_id": ""}, CheckResult.OK),
        ({"online_version_id": "oav_1", "unaudit_version_id": "oav_2"}, CheckResult.WARNING),
        ({"online_version_id": "", "unaudit_version_id": "oav_2"}, CheckResult.WRONG),
        ({"online_version_id": ""}, CheckResult.WRONG),
        ({"online_version_id": None}, CheckResult.UNKNOWN),
    ],
)
def test_published_version_is_judged(bot, platform, values, result):
    platform.application.respond(json=app_of(bot, **values))
    finding = look(bot)[Check.VERSION]
    assert finding.result is result
    assert bool(finding.cure.en_us) == (result is not CheckResult.OK)


@pytest.mark.parametrize(
    ("allowed", "result", "code"),
    [
        (True, CheckResult.OK, None),
        (False, CheckResult.WRONG, 20074),
        (None, CheckResult.UNKNOWN, None),
        ("on", CheckResult.UNKNOWN, None),
    ],
)
def test_refresh_switch_is_read_where_the_platform_tells(bot, platform, allowed, result, code):
    platform.application.respond(json=app_of(bot, allow_refresh_token=allowed))
    finding = look(bot)[Check.REFRESH]
    assert (finding.result, finding.code) == (result, code)


def test_app_that_may_not_read_itself_is_unknown_and_says_what_to_enable(bot, platform):
    platform.application.respond(400, json={"code": 99991672, "msg": "denied"})
    findings = look(bot)
    finding = findings[Check.APPLICATION]
    assert (finding.result, finding.code) == (CheckResult.UNKNOWN, 99991672)
    assert "application:application:self_manage" in finding.cure.en_us
    assert findings[Check.REDIRECT_URL].result is CheckResult.UNKNOWN
    assert bot.redirect_uri in findings[Check.REDIRECT_URL].cure.en_us
    assert findings[Check.REDIRECT_URL].value == bot.redirect_uri
    assert findings[Check.REFRESH].result is findings[Check.VERSION].result is CheckResult.UNKNOWN
    assert findings[Check.USER_SCOPES].result is CheckResult.UNKNOWN
    assert "docx:document:readonly" in findings[Check.USER_SCOPES].cure.en_us
    assert CheckResult.WRONG not in results(findings).values()


def test_bot_that_asks_by_device_code_needs_no_redirect_url(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(asks_by_device_code=True)
    platform.application.respond(json=app_of(bot, redirect_urls=[]))
    finding = look(bot)[Check.REDIRECT_URL]
    assert (finding.result, finding.value) == (CheckResult.OK, "")
