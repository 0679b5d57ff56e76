import pytest

from bots.doctor import Check, Verdict
from bots.enums import Transport
from bots.models import Bot
from core.vault.keyring import SealedValueError
from tests.bots.doctor.patient import SECRET, look
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


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
