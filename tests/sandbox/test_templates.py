"""Events to push by hand."""

import json

from sandbox.control.templates import OLD_EVENTS, TITLES
from tests.sandbox.conftest import APP_ID, Platform


async def test_every_template_can_be_pushed_as_it_is(platform: Platform) -> None:
    await platform.put_app(events=["im.message.receive_v1"])
    templates = (await platform.control("GET", "templates", app_id=APP_ID, person="hanmeimei"))["templates"]
    assert {template["type"] for template in templates} == set(TITLES)
    assert {t["type"] for t in templates if t["schema"] == "1.0"} == OLD_EVENTS
    assert {t["type"] for t in templates if t["callback"]} == {"url.preview.get"}
    assert {t["type"] for t in templates if t["subscribed"]} == {"im.message.receive_v1"}
    for template in templates:
        wish = {"app_id": APP_ID, **{name: template[name] for name in ("type", "schema", "event")}}
        assert (await platform.control("POST", "push", wish))["pushed"] == 1
    pushed = (await platform.books())["events"]
    assert len(pushed) == len(TITLES)
    assert {one["event_type"] for one in pushed if one["kind"] == "callback"} == {"url.preview.get"}


async def test_template_speaks_of_the_person_as_the_app_knows_them(platform: Platform) -> None:
    templates = (await platform.control("GET", "templates", app_id=APP_ID, person="hanmeimei"))["templates"]
    received = next(t["event"] for t in templates if t["type"] == "im.message.receive_v1")
    assert received["sender"]["sender_id"]["open_id"] == platform.open_id("hanmeimei")
    assert json.loads(received["message"]["content"])["text"]
    first = (await platform.control("GET", "templates", app_id=APP_ID))["templates"]
    menu = next(t["event"] for t in first if t["type"] == "application.bot.menu_v6")
    assert menu["operator"]["operator_id"]["open_id"] == platform.open_id("lilei")
