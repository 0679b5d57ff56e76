import httpx2
import pytest
import respx

from bots.doctor.findings import Check
from bots.enums import CheckResult
from tests.bots.doctor.patient import ENDPOINT, SECRET, TOKEN, issued, look
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def test_wrong_secret_is_wrong_with_code_and_log_id_and_stops_no_other_check(bot, platform):
    platform.token.respond(json={"code": 10015, "msg": "no"}, headers={"X-Tt-Logid": "log-1"})
    findings = look(bot)
    finding = findings[Check.CREDENTIALS]
    assert (finding.result, finding.code, finding.log_id) == (CheckResult.WRONG, 10015, "log-1")
    assert "App Secret" in finding.cure.en_us
    assert findings[Check.LONG_CONNECTION].result is CheckResult.OK
    assert findings[Check.BOT].result is CheckResult.UNKNOWN
    assert findings[Check.PUBLIC_URL].result is CheckResult.OK
    assert not platform.bot.called


def test_credentials_are_asked_for_again_each_time(bot, platform):
    look(bot)
    look(bot)
    assert platform.token.call_count == 2


def test_platform_out_of_reach_is_wrong(bot, platform):
    platform.token.mock(side_effect=httpx2.ConnectTimeout("slow"))
    finding = look(bot)[Check.CREDENTIALS]
    assert finding.result is CheckResult.WRONG
    assert "proxy" in finding.cure.en_us


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectTimeout("slow"), "平台没有在规定时间内应答"),
        (httpx2.ConnectError("[Errno 111] refused"), "无法连接到平台"),
    ],
)
def test_network_is_explained_in_our_words_and_asked_once(bot, platform, error, words):
    platform.token.mock(side_effect=error)
    findings = look(bot)
    assert findings[Check.CREDENTIALS].cause.zh_cn == words
    assert findings[Check.LONG_CONNECTION].is_put_off
    assert not platform.endpoint.called


def test_words_of_a_library_are_passed_on_where_ours_leave_the_cause_open(bot, platform):
    platform.token.mock(side_effect=httpx2.ReadError("[SSL] record layer failure"))
    assert "record layer failure" in look(bot)[Check.CREDENTIALS].cause.zh_cn


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (httpx2.Response(200, text="<html>sign in</html>"), CheckResult.WRONG),
        (httpx2.Response(502, text="<html>bad gateway</html>"), CheckResult.UNKNOWN),
        (httpx2.Response(429, json={"code": 99991400, "msg": "slow down"}), CheckResult.UNKNOWN),
    ],
)
def test_what_passes_by_itself_is_told_from_what_does_not(bot, platform, answer, result):
    platform.token.mock(return_value=answer)
    assert look(bot)[Check.CREDENTIALS].result is result


def test_secret_that_the_platform_echoes_is_masked(bot, platform):
    platform.token.respond(json={"code": 424242, "msg": f"never heard of {SECRET}"})
    assert "never heard of ••••" in look(bot)[Check.CREDENTIALS].cause.en_us


@pytest.mark.parametrize(
    ("ours", "own", "other", "name"),
    [
        ("feishu", "https://open.feishu.cn", "https://open.larksuite.com", "Lark"),
        ("lark", "https://open.larksuite.com", "https://open.feishu.cn", "Feishu"),
    ],
)
def test_app_of_the_other_brand_is_named_with_the_change_to_make(ours, own, other, name):
    bot = make_bot(name="My bot", app_secret=SECRET, platform=ours)
    with respx.mock() as router:
        router.post(own + TOKEN).respond(json={"code": 10014, "msg": "app id not exists"})
        router.post(own + ENDPOINT).respond(json={"code": 1000040351, "msg": "incorrect domain name"})
        elsewhere = router.post(other + TOKEN).respond(json=issued())
        findings = look(bot)
    platform = "lark" if ours == "feishu" else "feishu"
    for check, code in ((Check.CREDENTIALS, 10014), (Check.LONG_CONNECTION, 1000040351)):
        assert (findings[check].result, findings[check].code) == (CheckResult.WRONG, code)
        assert name in findings[check].cause.en_us
        command = f"manage.py addbot 'My bot' --app-id {bot.app_id} --platform {platform}"
        assert command in findings[check].cure.en_us
        assert command in findings[check].cure.zh_cn
    assert elsewhere.call_count == 1


def test_app_that_neither_brand_knows_is_explained_by_its_code():
    bot = make_bot(app_secret=SECRET, platform="feishu")
    with respx.mock() as router:
        router.post("https://open.feishu.cn" + TOKEN).respond(json={"code": 10014, "msg": "no"})
        router.post("https://open.feishu.cn" + ENDPOINT).respond(json={"code": 1000040346, "msg": "no"})
        other = router.post("https://open.larksuite.com" + TOKEN).respond(json={"code": 10014, "msg": "no"})
        finding = look(bot)[Check.CREDENTIALS]
    assert "App ID or App Secret is wrong" in finding.cause.en_us
    assert other.call_count == 1


def test_wrong_secret_and_custom_addresses_send_the_secret_nowhere_else(bot, platform):
    # respx fails the test at any request to a host it does not know.
    platform.token.respond(json={"code": 10014, "msg": "no"})
    assert look(bot)[Check.CREDENTIALS].code == 10014
    feishu_bot = make_bot(app_secret=SECRET, platform="feishu")
    with respx.mock() as router:
        router.post("https://open.feishu.cn" + TOKEN).respond(json={"code": 10015, "msg": "no"})
        router.post("https://open.feishu.cn" + ENDPOINT).respond(json={"code": 1000040345, "msg": "no"})
        assert look(feishu_bot)[Check.CREDENTIALS].code == 10015
