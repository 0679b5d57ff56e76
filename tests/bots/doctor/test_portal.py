import pytest

from bots.doctor import portal
from bots.doctor.findings import Check
from bots.enums import CheckResult, Transport
from bots.models import Bot
from core.vault.keyring import SealedValueError
from tests.bots.doctor.patient import SECRET, look
from tests.factories import make_bot

pytestmark = pytest.mark.django_db
REGISTERED = "https://portal.example.com"


def test_secret_sealed_with_another_key_is_wrong_and_asks_the_platform_nothing(bot, platform, settings):
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    findings = look(bot)
    assert findings[Check.APP_SECRET].result is CheckResult.WRONG
    assert "ENCRYPTION_KEYS" in findings[Check.APP_SECRET].cure.en_us
    assert findings[Check.CREDENTIALS].result is CheckResult.UNKNOWN
    assert not platform.token.called
    with pytest.raises(SealedValueError):
        _ = Bot.objects.get(pk=bot.pk).credentials


def test_missing_secret_is_wrong(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(app_secret="")
    assert look(bot)[Check.APP_SECRET].result is CheckResult.WRONG
    assert not platform.token.called


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("", CheckResult.OK),
        ("http://portal.example.com", CheckResult.WARNING),
        ("http://localhost:8000", CheckResult.OK),
        ("http://127.0.0.1:8000", CheckResult.OK),
        ("http://[::1]:8000", CheckResult.OK),
        ("https://portal.example.com", CheckResult.OK),
    ],
)
def test_public_url_is_judged(bot, platform, settings, url, result):
    settings.PUBLIC_URL = url
    findings = look(bot)
    assert findings[Check.PUBLIC_URL].result is result
    assert findings[Check.REDIRECT_URL].result is (
        CheckResult.OK if url in {"", REGISTERED} else CheckResult.WRONG
    )


def test_without_an_address_people_authorize_by_device_code_and_webhooks_are_impossible(
    bot, platform, settings
):
    settings.PUBLIC_URL = ""
    findings = look(bot)
    assert "device code" in findings[Check.PUBLIC_URL].cause.en_us
    assert "设备码" in findings[Check.REDIRECT_URL].cause.zh_cn
    assert findings[Check.REDIRECT_URL].result is CheckResult.OK
    bot.transport = Transport.WEBHOOK
    bot.save()
    assert look(bot)[Check.PUBLIC_URL].result is CheckResult.WRONG


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ({}, CheckResult.WRONG),
        ({"verification_token": "v3rify"}, CheckResult.WARNING),
        ({"encrypt_key": "3ncrypt"}, CheckResult.OK),
        ({"encrypt_key": "3ncrypt", "verification_token": "v3rify"}, CheckResult.OK),
    ],
)
def test_webhook_bot_needs_keys_and_no_connection(platform, keys, result):
    bot = make_bot(app_secret=SECRET, transport=Transport.WEBHOOK, **keys)
    findings = look(bot)
    assert findings[Check.WEBHOOK_KEYS].result is result
    assert {Check.LONG_CONNECTION, Check.CONNECTIONS} & set(findings) == set()
    assert not platform.endpoint.called
    assert "v3rify" not in repr(findings)
    assert "3ncrypt" not in repr(findings)


def test_webhook_keys_sealed_with_another_key_are_wrong(platform, settings):
    bot = make_bot(app_secret=SECRET, transport=Transport.WEBHOOK, encrypt_key="3ncrypt")
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert look(bot)[Check.WEBHOOK_KEYS].result is CheckResult.WRONG


@pytest.mark.parametrize(
    ("offset", "result"), [(3.0, CheckResult.OK), (600.0, CheckResult.WARNING), (-600.0, CheckResult.WARNING)]
)
def test_clock_is_compared_with_the_platforms(monkeypatch, offset, result):
    monkeypatch.setattr("bots.doctor.portal.platform_clock.offset", lambda: offset)
    finding = portal.clock()
    assert (finding.check, finding.result) == (Check.CLOCK, result)
    assert bool(finding.cure.zh_cn) == (result is CheckResult.WARNING)


def test_clock_that_cannot_be_compared_is_unknown(monkeypatch):
    monkeypatch.setattr("bots.doctor.portal.platform_clock.offset", lambda: None)
    assert portal.clock().result is CheckResult.UNKNOWN
