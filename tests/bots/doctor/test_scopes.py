import pytest

from bots.doctor.findings import Check
from bots.enums import CheckResult, GroupPolicy
from bots.groups.service import set_group_policies
from bots.models import Bot
from core.access.actors import SYSTEM
from tests.bots.doctor.patient import app_of, look, scopes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("enabled", "result"),
    [
        (scopes("im:message", types=["tenant", "user"]), CheckResult.OK),
        (scopes("im:message:send_as_bot", types=["tenant"]), CheckResult.OK),
        (scopes("im:message", types=["user"]), CheckResult.WRONG),
        (scopes("im:message:readonly"), CheckResult.WRONG),
    ],
)
def test_sending_takes_one_of_two_scopes_for_the_app_itself(bot, platform, enabled, result):
    platform.application.respond(json=app_of(bot, scopes=enabled))
    assert look(bot)[Check.SENDING].result is result


def test_scope_that_is_asked_for_and_not_enabled_for_users_is_named(bot, platform):
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=["offline_access", "a:b", "c:d", "e:f"])
    enabled = scopes("a:b") + scopes("c:d", types=["tenant"]) + scopes("offline_access", "im:message")
    platform.application.respond(json=app_of(bot, scopes=enabled))
    findings = look(bot)
    assert findings[Check.USER_SCOPES].result is CheckResult.WRONG
    assert "identity: c:d e:f;" in findings[Check.USER_SCOPES].cause.en_us
    assert findings[Check.OFFLINE_ACCESS].result is CheckResult.OK


def test_offline_access_that_is_not_enabled_is_wrong_and_not_asked_for_a_warning(bot, platform):
    platform.application.respond(json=app_of(bot, scopes=scopes("im:message", "docx:document:readonly")))
    assert look(bot)[Check.OFFLINE_ACCESS].result is CheckResult.WRONG
    Bot.objects.filter(pk=bot.pk).update(auth_scopes=[])
    findings = look(bot)
    assert findings[Check.OFFLINE_ACCESS].result is CheckResult.WARNING
    assert findings[Check.USER_SCOPES].result is CheckResult.OK


@pytest.mark.parametrize(
    ("enabled", "result"),
    [
        (scopes("im:message.p2p_msg:readonly", types=["tenant"]), CheckResult.OK),
        (scopes("im:message"), CheckResult.OK),
        (scopes("im:message.group_at_msg:readonly"), CheckResult.WARNING),
        (scopes("im:message.p2p_msg:readonly", types=["user"]), CheckResult.WARNING),
    ],
)
def test_direct_messages_take_a_scope_of_their_own(bot, platform, enabled, result):
    platform.application.respond(json=app_of(bot, scopes=enabled))
    finding = look(bot)[Check.RECEIVING]
    assert finding.result is result
    assert bool(finding.value) == (result is not CheckResult.OK)


@pytest.mark.parametrize(
    ("policy", "exception", "enabled", "result"),
    [
        (GroupPolicy.MENTIONED, None, scopes("im:message"), None),
        (GroupPolicy.NEVER, GroupPolicy.MENTIONED, scopes("im:message"), None),
        (GroupPolicy.MENTIONED_OR_ALL, None, scopes("im:message.group_at_msg"), CheckResult.WARNING),
        (GroupPolicy.MENTIONED, GroupPolicy.EVERY_MESSAGE, scopes("im:message"), CheckResult.WARNING),
        (GroupPolicy.EVERY_MESSAGE, None, scopes("im:message.group_msg"), CheckResult.OK),
    ],
)
def test_bot_that_answers_unmentioned_in_groups_needs_a_scope_for_it(
    bot, platform, policy, exception, enabled, result
):
    Bot.objects.filter(pk=bot.pk).update(group_policy=policy)
    set_group_policies(bot=bot, wanted={"oc_1": exception}, names={}, actor=SYSTEM)
    platform.application.respond(json=app_of(bot, scopes=enabled))
    finding = look(Bot.objects.get(pk=bot.pk)).get(Check.GROUP_MESSAGES)
    assert (finding and finding.result) is result
