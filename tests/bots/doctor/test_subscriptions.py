import pytest

from bots.doctor.findings import Check
from bots.enums import CheckResult, Transport
from tests.bots.doctor.patient import app_of, look, results

pytestmark = pytest.mark.django_db
CLICK = "card.action.trigger"
HEARD = "im.message.receive_v1"


def callbacks(mode="websocket", subscribed=(CLICK,), url=""):
    return {"callback_type": mode, "request_url": url, "subscribed_callbacks": list(subscribed)}


def events(mode="websocket", subscribed=(HEARD,), url=""):
    return {"subscription_type": mode, "request_url": url, "subscribed_events": list(subscribed)}


@pytest.mark.parametrize(
    ("callback_info", "mode", "clicks"),
    [
        (callbacks(), CheckResult.OK, CheckResult.OK),
        (callbacks(subscribed=(CLICK, "profile.view.get")), CheckResult.OK, CheckResult.OK),
        (callbacks(mode="WebSocket"), CheckResult.OK, CheckResult.OK),
        (callbacks(subscribed=()), CheckResult.OK, CheckResult.WRONG),
        (callbacks(subscribed=("url.preview.get",)), CheckResult.OK, CheckResult.WRONG),
        (callbacks(mode="webhook"), CheckResult.WRONG, CheckResult.OK),
        (callbacks(mode="webhook", subscribed=()), CheckResult.WRONG, CheckResult.WRONG),
        (callbacks(mode="something"), CheckResult.UNKNOWN, CheckResult.OK),
        ({"subscribed_callbacks": None, "callback_type": ""}, CheckResult.WARNING, CheckResult.WARNING),
        (None, CheckResult.WARNING, CheckResult.WARNING),
        ({}, CheckResult.WARNING, CheckResult.WARNING),
        ([], CheckResult.WARNING, CheckResult.WARNING),
        ("webhook", CheckResult.WARNING, CheckResult.WARNING),
    ],
)
def test_callback_tab_is_judged_with_cause_and_cure(bot, platform, callback_info, mode, clicks):
    platform.application.respond(json=app_of(bot, callback_info=callback_info))
    findings = look(bot)
    assert (findings[Check.CALLBACKS].result, findings[Check.CLICKS].result) == (mode, clicks)
    if mode is not CheckResult.OK:
        assert "persistent connection" in findings[Check.CALLBACKS].cure.en_us
        assert "长连接" in findings[Check.CALLBACKS].cure.zh_cn
    if clicks is not CheckResult.OK:
        assert findings[Check.CLICKS].value == CLICK
        assert CLICK in findings[Check.CLICKS].cure.zh_cn


def test_callback_tab_that_is_not_told_counts_as_empty(bot, platform):
    app = app_of(bot)
    del app["data"]["app"]["callback_info"]
    platform.application.respond(json=app)
    finding = look(bot)[Check.CLICKS]
    assert finding.result is CheckResult.WARNING
    assert "200340" in finding.cause.en_us


@pytest.mark.parametrize(
    ("event", "mode", "messages"),
    [
        (events(), CheckResult.OK, CheckResult.OK),
        (events(subscribed=()), CheckResult.OK, CheckResult.OK),
        (events(subscribed=("contact.user.updated_v3",)), CheckResult.OK, CheckResult.WARNING),
        (events(mode="webhook"), CheckResult.WRONG, CheckResult.OK),
        (events(mode="x"), CheckResult.UNKNOWN, CheckResult.OK),
    ],
)
def test_event_tab_is_judged(bot, platform, event, mode, messages):
    platform.application.respond(json=app_of(bot, event=event))
    findings = look(bot)
    assert (findings[Check.EVENTS].result, findings[Check.MESSAGES].result) == (mode, messages)


@pytest.mark.parametrize("event", [None, {}, [], "websocket"])
def test_event_tab_that_is_not_told_is_for_a_person_to_look_at(bot, platform, event):
    platform.application.respond(json=app_of(bot, event=event))
    findings = look(bot)
    assert findings[Check.EVENTS].result is findings[Check.MESSAGES].result is CheckResult.UNKNOWN
    assert findings[Check.MESSAGES].value == HEARD


def test_both_ways_are_named_where_they_differ(bot, platform):
    platform.application.respond(json=app_of(bot, callback_info=callbacks(mode="webhook")))
    cause = look(bot)[Check.CALLBACKS].cause
    assert "webhook" in cause.en_us
    assert "long connection" in cause.en_us
    assert "长连接" in cause.zh_cn


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://portal.example.com/api/feishu/webhook/{app_id}", CheckResult.OK),
        ("", CheckResult.OK),
        ("https://elsewhere.example.com/hook", CheckResult.WARNING),
    ],
)
def test_webhook_bot_needs_the_portals_request_url(bot, platform, url, result):
    bot.transport = Transport.WEBHOOK
    bot.save()
    address = url.format(app_id=bot.app_id)
    tabs = {"event": events("webhook", url=address), "callback_info": callbacks("webhook", url=address)}
    platform.application.respond(json=app_of(bot, **tabs))
    findings = look(bot)
    assert (findings[Check.EVENTS].result, findings[Check.CALLBACKS].result) == (result, result)
    if result is not CheckResult.OK:
        assert findings[Check.EVENTS].value == bot.redirect_uri.replace(
            "/oauth/callback/", "/api/feishu/webhook/"
        ).rstrip("/")


def test_webhook_bot_with_a_long_connection_in_the_console_is_wrong(bot, platform):
    bot.transport = Transport.WEBHOOK
    bot.save()
    found = results(look(bot))
    assert found[Check.EVENTS] is found[Check.CALLBACKS] is CheckResult.WRONG


@pytest.mark.parametrize(
    ("by_events", "by_callbacks", "result"),
    [("websocket", "webhook", CheckResult.OK), ("webhook", "websocket", CheckResult.WRONG)],
)
def test_each_tab_is_compared_with_its_own_way(bot, platform, by_events, by_callbacks, result):
    bot.transport, bot.callback_transport = Transport.WEBSOCKET, Transport.WEBHOOK
    bot.save()
    tabs = {"event": events(by_events), "callback_info": callbacks(by_callbacks)}
    platform.application.respond(json=app_of(bot, **tabs))
    found = look(bot)
    assert (found[Check.EVENTS].result, found[Check.CALLBACKS].result) == (result, result)


def test_tabs_that_may_not_be_read_are_unknown_and_say_what_to_look_at(bot, platform):
    platform.application.respond(400, json={"code": 99991672, "msg": "denied"})
    findings = look(bot)
    for check in (Check.EVENTS, Check.CALLBACKS):
        assert findings[check].result is CheckResult.UNKNOWN
    for check, name in ((Check.MESSAGES, HEARD), (Check.CLICKS, CLICK)):
        assert findings[check].result is CheckResult.UNKNOWN
        assert name in findings[check].cure.en_us
