import pytest

from bots.doctor.examination import examination, examine_setup
from bots.doctor.findings import Check
from bots.enums import CheckResult
from feishu.transport import Transport as Http
from tests.bots.doctor.patient import look, results

pytestmark = pytest.mark.django_db


def test_all_well_is_found_well_in_both_languages(bot, platform):
    findings = look(bot)
    assert results(findings) == {}
    assert set(findings) == set(Check) - {
        Check.WEBHOOK_KEYS,
        Check.PROXY_VARIABLES,
        Check.CONSENT,
        Check.GROUP_MESSAGES,
    }
    for finding in findings.values():
        assert finding.title.zh_cn
        assert finding.title.en_us
        assert finding.cause.zh_cn
        assert finding.cause.en_us


def test_every_finding_that_is_not_well_says_what_to_do_in_both_languages(bot, platform):
    for route in (platform.bot, platform.connections, platform.application, platform.endpoint):
        route.respond(json={"code": 424242, "msg": "strange"})
    findings = look(bot)
    assert len(results(findings)) >= 6
    for finding in findings.values():
        assert bool(finding.cure.zh_cn) == bool(finding.cure.en_us) == (finding.result is not CheckResult.OK)


def test_findings_come_one_by_one(bot, platform):
    findings = examination(bot, transport=Http())
    assert next(findings).check is Check.APP_SECRET
    assert not platform.token.called


def test_proxy_variable_that_is_ignored_is_found_unless_the_bot_has_its_own(bot, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://ops:hush@127.0.0.1:1")
    [finding] = [each for each in examine_setup(bot) if each.check is Check.PROXY_VARIABLES]
    assert "ALL_PROXY" in finding.cause.en_us
    assert "SOCKS" in finding.cause.zh_cn
    assert "hush" not in finding.cause.en_us
    assert finding.cure.en_us
    bot.proxy_url = "http://proxy.test:3128"
    assert not [each for each in examine_setup(bot) if each.check is Check.PROXY_VARIABLES]
