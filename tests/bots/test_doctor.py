from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import respx
from django.utils import timezone

from bots.domain.doctor import Check, Finding, Verdict, examination, examine
from bots.enums import SlotState, Transport
from bots.models import Bot
from feishu.transport import Transport as Http
from feishu_portal.access.keyring import SealedValueError
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

SECRET = "s3cr3t-of-the-app"
TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
ENDPOINT = "/callback/ws/endpoint"
GATEWAY = "wss://gateway.test/ws/v2?fpid=1&device_id=7&service_id=33&ticket=t1ck3t"
SCOPES = ("im:message:send_as_bot", "offline_access", "docx:document:readonly")


def issued(value: str = "t-0ken") -> dict[str, Any]:
    return {"code": 0, "msg": "ok", "tenant_access_token": value, "expire": 7140}


def app_of(bot: Bot, **values: Any) -> dict[str, Any]:
    app = {
        "app_id": bot.app_id,
        "app_name": "Helper",
        "status": 1,
        "online_version_id": "oav_1",
        "redirect_urls": [bot.redirect_uri],
        "scopes": [{"scope": scope, "token_types": ["tenant", "user"]} for scope in SCOPES],
    } | values
    return {"code": 0, "data": {"app": app}}


class PlatformAnswers:
    """A platform at which all is well; routes can be replaced one by one."""

    def __init__(self, router: respx.MockRouter, bot: Bot) -> None:
        self.token = router.post(TOKEN).respond(json=issued())
        self.endpoint = router.post(ENDPOINT).respond(json={"code": 0, "data": {"URL": GATEWAY}})
        self.bot = router.get("/open-apis/bot/v3/info").respond(json=described())
        self.connections = router.get("/open-apis/event/v1/connection").respond(json=counted(1))
        self.application = router.get("/open-apis/application/v6/applications/me").respond(json=app_of(bot))


def described(status: int = 2) -> dict[str, Any]:
    return {"code": 0, "bot": {"app_name": "Helper", "open_id": "ou_bot", "activate_status": status}}


def counted(count: int) -> dict[str, Any]:
    return {"code": 0, "data": {"online_instance_cnt": count}}


@pytest.fixture(autouse=True)
def public_url(settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.com"


@pytest.fixture
def bot() -> Bot:
    bot = make_bot(app_secret=SECRET, auth_scopes=["offline_access", "docx:document:readonly"])
    bot.slots.update(state=SlotState.CONNECTED)
    return bot


@pytest.fixture
def platform(bot) -> Iterator[PlatformAnswers]:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        yield PlatformAnswers(router, bot)


def look(bot: Bot, **values: Any) -> dict[Check, Finding]:
    http = Http()
    try:
        findings = examine(Bot.objects.get(pk=bot.pk), transport=http, **values)
    finally:
        http.close()
    by_check = {finding.check: finding for finding in findings}
    assert len(by_check) == len(findings)
    assert SECRET not in repr(findings)
    assert "t1ck3t" not in repr(findings)
    assert "t-0ken" not in repr(findings)
    return by_check


def verdicts(findings: dict[Check, Finding]) -> dict[Check, Verdict]:
    return {
        check: finding.verdict for check, finding in findings.items() if finding.verdict is not Verdict.OK
    }


def test_all_well_is_found_well_in_both_languages(bot, platform):
    findings = look(bot, may_refresh=True)
    assert verdicts(findings) == {}
    assert set(findings) == set(Check) - {Check.WEBHOOK_KEYS}
    for finding in findings.values():
        assert finding.title.zh_cn
        assert finding.title.en_us
        assert finding.cause.zh_cn
        assert finding.cause.en_us


def test_every_finding_that_is_not_well_says_what_to_do_in_both_languages(bot, platform):
    for route in (platform.bot, platform.connections, platform.application, platform.endpoint):
        route.respond(json={"code": 424242, "msg": "strange"})
    findings = look(bot)
    assert len(verdicts(findings)) >= 6
    for finding in findings.values():
        assert bool(finding.cure.zh_cn) == bool(finding.cure.en_us) == (finding.verdict is not Verdict.OK)


def test_findings_come_one_by_one(bot, platform):
    findings = examination(bot, transport=Http())
    assert next(findings).check is Check.APP_SECRET
    assert not platform.token.called


# --- the App Secret


def test_secret_sealed_with_another_key_is_wrong_and_asks_the_platform_nothing(bot, platform, settings):
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    findings = look(bot)
    assert findings[Check.APP_SECRET].verdict is Verdict.WRONG
    assert "ENCRYPTION_KEYS" in findings[Check.APP_SECRET].cure.en_us
    assert findings[Check.CREDENTIALS].verdict is Verdict.UNKNOWN
    assert not platform.token.called
    with pytest.raises(SealedValueError):
        _ = Bot.objects.get(pk=bot.pk).credentials


def test_missing_secret_is_wrong(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(app_secret="")
    assert look(bot)[Check.APP_SECRET].verdict is Verdict.WRONG
    assert not platform.token.called


# --- credentials and brand


def test_wrong_secret_is_wrong_with_code_and_log_id_and_stops_no_other_check(bot, platform):
    platform.token.respond(json={"code": 10015, "msg": "no"}, headers={"X-Tt-Logid": "log-1"})
    findings = look(bot)
    finding = findings[Check.CREDENTIALS]
    assert (finding.verdict, finding.code, finding.log_id) == (Verdict.WRONG, 10015, "log-1")
    assert "App Secret" in finding.cure.en_us
    assert findings[Check.LONG_CONNECTION].verdict is Verdict.OK
    assert findings[Check.BOT].verdict is Verdict.UNKNOWN
    assert findings[Check.PUBLIC_URL].verdict is Verdict.OK
    assert not platform.bot.called


def test_credentials_are_asked_for_anew_each_time(bot, platform):
    look(bot)
    look(bot)
    assert platform.token.call_count == 2


def test_platform_out_of_reach_is_wrong(bot, platform):
    platform.token.mock(side_effect=httpx.ConnectTimeout("slow"))
    finding = look(bot)[Check.CREDENTIALS]
    assert finding.verdict is Verdict.WRONG
    assert "proxy" in finding.cure.en_us


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (httpx.Response(200, text="<html>sign in</html>"), Verdict.WRONG),
        (httpx.Response(502, text="<html>bad gateway</html>"), Verdict.UNKNOWN),
        (httpx.Response(429, json={"code": 99991400, "msg": "slow down"}), Verdict.UNKNOWN),
    ],
)
def test_what_passes_by_itself_is_told_from_what_does_not(bot, platform, answer, verdict):
    platform.token.mock(return_value=answer)
    assert look(bot)[Check.CREDENTIALS].verdict is verdict


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
        assert (findings[check].verdict, findings[check].code) == (Verdict.WRONG, code)
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


# --- long connections


@pytest.mark.parametrize("code", [403, 514, 1000040345])
def test_refused_long_connection_is_wrong_with_its_code(bot, platform, code):
    platform.endpoint.respond(json={"code": code, "msg": "no", "data": {}})
    finding = look(bot)[Check.LONG_CONNECTION]
    assert (finding.verdict, finding.code) == (Verdict.WRONG, code)


@pytest.mark.parametrize(
    ("state", "verdict"), [(SlotState.CONNECTED, Verdict.WARNING), (SlotState.ERROR, Verdict.WRONG)]
)
def test_connection_limit_is_wrong_only_for_a_bot_that_still_needs_one(bot, platform, state, verdict):
    bot.slots.update(state=state)
    platform.endpoint.respond(json={"code": 1000040350, "msg": "too many", "data": {}})
    assert look(bot)[Check.LONG_CONNECTION].verdict is verdict


def test_more_connections_than_ours_are_somebody_elses(bot, platform):
    platform.connections.respond(json=counted(3))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.verdict is Verdict.WRONG
    assert "counts 3 connections and the portal holds 1: the other 2" in finding.cause.en_us


def test_fewer_connections_than_ours_are_half_open(bot, platform):
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert finding.verdict is Verdict.WRONG
    assert "half open" in finding.cause.en_us


def test_connection_that_comes_up_while_the_platform_counts_is_no_surplus(bot, platform):
    bot.slots.update(state=SlotState.CONNECTING)

    def meanwhile(_request: httpx.Request) -> httpx.Response:
        bot.slots.update(state=SlotState.CONNECTED)
        return httpx.Response(200, json=counted(1))

    platform.connections.mock(side_effect=meanwhile)
    assert look(bot)[Check.CONNECTIONS].verdict is Verdict.OK


@pytest.mark.parametrize(("seconds_left", "verdict"), [(60, Verdict.OK), (-60, Verdict.WRONG)])
def test_connection_on_the_move_counts_twice_as_long_as_it_moves(bot, platform, seconds_left, verdict):
    until = timezone.now() + timedelta(seconds=seconds_left)
    bot.slots.update(successor=uuid4(), successor_until=until)
    platform.connections.respond(json=counted(2))
    assert look(bot)[Check.CONNECTIONS].verdict is verdict


def test_bot_without_a_connection_is_a_warning(bot, platform):
    bot.slots.update(state=SlotState.STOPPED)
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert (finding.verdict, finding.cause.en_us) == (Verdict.WARNING, "0 of 1 are up")
    assert "runfeishu" in finding.cure.en_us


def test_connection_in_error_is_explained_by_its_last_code(bot, platform):
    bot.slots.update(state=SlotState.ERROR, error_code=1000040350)
    platform.connections.respond(json=counted(0))
    finding = look(bot)[Check.CONNECTIONS]
    assert (finding.verdict, finding.code) == (Verdict.WARNING, 1000040350)
    assert "reached its number" in finding.cause.en_us


def test_disabled_bot_needs_no_connection(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    bot.slots.update(state=SlotState.STOPPED)
    platform.connections.respond(json=counted(0))
    assert look(bot)[Check.CONNECTIONS].verdict is Verdict.OK


@pytest.mark.parametrize("answer", [{"code": 0, "data": {}}, {"code": 99991201, "msg": "api not found"}])
def test_platform_that_does_not_count_leaves_it_unknown(bot, platform, answer):
    platform.connections.respond(json=answer)
    assert look(bot)[Check.CONNECTIONS].verdict is Verdict.UNKNOWN


# --- the bot and the app


@pytest.mark.parametrize("status", [0, 1, 3, 4, 5, 6, 99])
def test_bot_that_is_not_enabled_is_said_in_words(bot, platform, status):
    platform.bot.respond(json=described(status))
    finding = look(bot)[Check.BOT]
    assert finding.verdict is (Verdict.WARNING if status == 4 else Verdict.WRONG)
    assert finding.cure.en_us


def test_app_without_bot_capability_is_wrong(bot, platform):
    platform.bot.respond(400, json={"code": 11205, "msg": "app do not have bot"})
    finding = look(bot)[Check.BOT]
    assert (finding.verdict, finding.code) == (Verdict.WRONG, 11205)
    assert "Add Features" in finding.cure.en_us


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"status": 0}, Verdict.WRONG),
        ({"status": 2}, Verdict.WRONG),
        ({"status": 3}, Verdict.OK),
        ({"online_version_id": ""}, Verdict.WARNING),
        ({"online_version_id": None}, Verdict.OK),
    ],
)
def test_state_of_the_app_is_judged(bot, platform, values, verdict):
    platform.application.respond(json=app_of(bot, **values))
    assert look(bot)[Check.APPLICATION].verdict is verdict


def test_app_that_may_not_read_itself_is_unknown_and_says_what_to_enable(bot, platform):
    platform.application.respond(400, json={"code": 99991672, "msg": "denied"})
    findings = look(bot)
    finding = findings[Check.APPLICATION]
    assert (finding.verdict, finding.code) == (Verdict.UNKNOWN, 99991672)
    assert "application:application:self_manage" in finding.cure.en_us
    assert findings[Check.REDIRECT_URL].verdict is Verdict.UNKNOWN
    assert bot.redirect_uri in findings[Check.REDIRECT_URL].cure.en_us
    assert findings[Check.USER_SCOPES].verdict is Verdict.UNKNOWN
    assert "docx:document:readonly" in findings[Check.USER_SCOPES].cure.en_us
    assert Verdict.WRONG not in verdicts(findings).values()


# --- the redirect URL


PATH = "/oauth/callback/{app_id}"


@pytest.mark.parametrize(
    ("registered", "differs"),
    [
        (f"https://portal.example.com{PATH}", "the slash at the end"),
        (f"http://portal.example.com{PATH}/", "http or https"),
        (f"https://other.example.com{PATH}/", "host or port"),
        (f"https://portal.example.com:8443{PATH}/", "host or port"),
        (f"http://portal.example.com{PATH}", "http or https, the slash at the end"),
        (f"https://portal.example.com{PATH.replace('oauth', 'OAuth')}/", "upper and lower case of the path"),
        (f"https://portal.example.com{PATH}/?a=1", "the query"),
        (f" https://portal.example.com{PATH}/", "blanks"),
    ],
)
def test_nearly_right_redirect_url_is_named_with_the_difference(bot, platform, registered, differs):
    url = registered.format(app_id=bot.app_id)
    far = ["https://elsewhere.test/", "https://[broken/", f"http://a.test{PATH.format(app_id=bot.app_id)}?x"]
    platform.application.respond(json=app_of(bot, redirect_urls=[*far, url]))
    finding = look(bot)[Check.REDIRECT_URL]
    assert finding.verdict is Verdict.WRONG
    assert finding.cause.en_us.endswith(f"; {url} is registered and differs in: {differs}")
    assert finding.cure.en_us.endswith(bot.redirect_uri)


@pytest.mark.parametrize("urls", [[], ["https://elsewhere.test/"]])
def test_missing_redirect_url_is_wrong_and_given_to_copy(bot, platform, urls):
    platform.application.respond(json=app_of(bot, redirect_urls=urls))
    finding = look(bot)[Check.REDIRECT_URL]
    assert finding.verdict is Verdict.WRONG
    assert finding.cause.en_us == f"{bot.redirect_uri} is not registered, so users get error 20029"
    assert finding.cure.zh_cn.endswith(bot.redirect_uri)


def test_one_of_several_redirect_urls_will_do(bot, platform):
    platform.application.respond(json=app_of(bot, redirect_urls=["https://a.test/", bot.redirect_uri]))
    assert look(bot)[Check.REDIRECT_URL].verdict is Verdict.OK


# --- scopes


def scopes(*names: str, types: list[str] | None = None) -> list[dict[str, Any]]:
    return [{"scope": name, "token_types": types or []} for name in names]


@pytest.mark.parametrize(
    ("enabled", "verdict"),
    [
        (scopes("im:message", types=["tenant", "user"]), Verdict.OK),
        (scopes("im:message:send_as_bot", types=["tenant"]), Verdict.OK),
        (scopes("im:message", types=["user"]), Verdict.WRONG),
        (scopes("im:message:readonly"), Verdict.WRONG),
    ],
)
def test_sending_takes_one_of_two_scopes_for_the_app_itself(bot, platform, enabled, verdict):
    platform.application.respond(json=app_of(bot, scopes=enabled))
    assert look(bot)[Check.SENDING].verdict is verdict


def test_scope_that_is_asked_for_and_not_enabled_for_users_is_named(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=["offline_access", "a:b", "c:d", "e:f"])
    enabled = scopes("a:b") + scopes("c:d", types=["tenant"]) + scopes("offline_access", "im:message")
    platform.application.respond(json=app_of(bot, scopes=enabled))
    findings = look(bot)
    assert findings[Check.USER_SCOPES].verdict is Verdict.WRONG
    assert "identity: c:d e:f;" in findings[Check.USER_SCOPES].cause.en_us
    assert findings[Check.OFFLINE_ACCESS].verdict is Verdict.OK


def test_offline_access_that_is_not_enabled_is_wrong_and_not_asked_for_a_warning(bot, platform):
    platform.application.respond(json=app_of(bot, scopes=scopes("im:message", "docx:document:readonly")))
    assert look(bot)[Check.OFFLINE_ACCESS].verdict is Verdict.WRONG
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=[])
    findings = look(bot)
    assert findings[Check.OFFLINE_ACCESS].verdict is Verdict.WARNING
    assert findings[Check.USER_SCOPES].verdict is Verdict.OK


# --- the portal itself


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("", Verdict.WARNING),
        ("http://portal.example.com", Verdict.WARNING),
        ("http://localhost:8000", Verdict.OK),
        ("http://127.0.0.1:8000", Verdict.OK),
        ("http://[::1]:8000", Verdict.OK),
        ("https://portal.example.com", Verdict.OK),
    ],
)
def test_public_url_is_judged(bot, platform, settings, url, verdict):
    settings.PUBLIC_URL = url
    findings = look(bot)
    assert findings[Check.PUBLIC_URL].verdict is verdict
    assert (Check.REDIRECT_URL in findings) == bool(url)


@pytest.mark.parametrize(
    ("may_refresh", "verdict", "code"),
    [(None, Verdict.UNKNOWN, None), (True, Verdict.OK, None), (False, Verdict.WRONG, 20074)],
)
def test_refresh_switch_is_known_only_from_a_refresh(bot, platform, may_refresh, verdict, code):
    finding = look(bot, may_refresh=may_refresh)[Check.REFRESH]
    assert (finding.verdict, finding.code) == (verdict, code)


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        ({}, Verdict.WRONG),
        ({"verification_token": "v3rify"}, Verdict.WARNING),
        ({"encrypt_key": "3ncrypt"}, Verdict.OK),
        ({"encrypt_key": "3ncrypt", "verification_token": "v3rify"}, Verdict.OK),
    ],
)
def test_webhook_bot_needs_keys_and_no_connection(platform, keys, verdict):
    bot = make_bot(app_secret=SECRET, transport=Transport.WEBHOOK, **keys)
    findings = look(bot)
    assert findings[Check.WEBHOOK_KEYS].verdict is verdict
    assert {Check.LONG_CONNECTION, Check.CONNECTIONS} & set(findings) == set()
    assert not platform.endpoint.called
    assert "v3rify" not in repr(findings)
    assert "3ncrypt" not in repr(findings)


def test_webhook_keys_sealed_with_another_key_are_wrong(platform, settings):
    bot = make_bot(app_secret=SECRET, transport=Transport.WEBHOOK, encrypt_key="3ncrypt")
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert look(bot)[Check.WEBHOOK_KEYS].verdict is Verdict.WRONG
