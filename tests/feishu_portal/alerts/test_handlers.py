import json

import pytest

from feishu_portal.alerts import handlers
from feishu_portal.alerts.errors import SilenceNotSet
from feishu_portal.alerts.models import AlertGroup
from tests.auth_sessions.arriving import arrived
from tests.factories import click_event
from tests.feishu_portal.alerts.messages import fire, make_receiver, message, texts_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(receiver) -> AlertGroup:
    group = fire(receiver)
    AlertGroup.objects.update(message_id="om_card")
    return group


@pytest.fixture
def silenced(monkeypatch) -> list[tuple[int, str]]:
    """Hours and actor of silences that were asked for."""
    asked: list[tuple[int, str]] = []
    monkeypatch.setattr(
        handlers, "silence", lambda _group, *, hours, actor: asked.append((hours, str(actor)))
    )
    return asked


def click(handler, bot, group, *, message_id="om_card", **value):
    event = arrived(
        bot, click_event(value={"group": group.pk} | value, open_id="ou_lin", message_id=message_id)
    )
    return handler(event, bot)


def said(answer) -> str:
    return answer["toast"]["content"]


def test_click_acknowledges_and_the_card_says_who(group) -> None:
    answer = click(handlers.acknowledge_alerts, group.bot, group)
    group.refresh_from_db()
    assert group.acknowledged_by == "user:ou_lin"
    assert "ou_lin" in json.dumps(answer["card"])
    assert answer["toast"]["i18n"]["zh_cn"] == "已确认。"


def test_card_that_was_replaced_leads_to_the_newer_one(group) -> None:
    AlertGroup.objects.update(state="replaced", closed_at=group.opened_at)
    assert "newer" in said(click(handlers.acknowledge_alerts, group.bot, group))


def test_second_click_learns_that_somebody_was_first(group) -> None:
    AlertGroup.objects.update(acknowledged_at=group.opened_at, acknowledged_by="user:ou_first")
    assert "before" in said(click(handlers.acknowledge_alerts, group.bot, group))
    group.refresh_from_db()
    assert group.acknowledged_by == "user:ou_first"


def test_click_on_a_card_that_is_over_shows_that(receiver, group, silenced) -> None:
    fire(receiver, message(resolved=True))
    for handler in (handlers.acknowledge_alerts, handlers.silence_alerts):
        answer = click(handler, group.bot, group, hours=1)
        assert "over" in said(answer)
        assert "Resolved" in json.dumps(answer["card"])
    assert not silenced


def test_click_silences_for_the_hours_of_its_button(group, silenced) -> None:
    assert "Silenced" in said(click(handlers.silence_alerts, group.bot, group, hours=4))
    assert silenced == [(4, "user:ou_lin")]


def test_alertmanager_that_refuses_is_told_to_who_clicked(group, monkeypatch) -> None:
    def refuse(*_args: object, **_values: object) -> None:
        raise SilenceNotSet("No answer within 15 s.")

    monkeypatch.setattr(handlers, "silence", refuse)
    answer = click(handlers.silence_alerts, group.bot, group, hours=4)
    assert any("没有应答" in text for text in texts_in(answer["card"]["data"]))
    assert answer["toast"]["i18n"] == {
        "en_us": "It was not silenced. No answer within 15 s.",
        "zh_cn": "静默失败。15 秒内没有应答。",
    }


@pytest.mark.parametrize("hours", [0, 2, 24 * 365, "x", None, True, -1, 1.5])
def test_only_the_hours_of_a_button_can_be_asked_for(group, silenced, hours) -> None:
    assert "out of date" in said(click(handlers.silence_alerts, group.bot, group, hours=hours))
    assert not silenced


def test_without_an_alertmanager_nothing_is_silenced(receiver, group, silenced) -> None:
    type(receiver).objects.update(alertmanager_url="")
    assert "out of date" in said(click(handlers.silence_alerts, group.bot, group, hours=1))
    assert not silenced


@pytest.mark.parametrize("handler", [handlers.acknowledge_alerts, handlers.silence_alerts])
def test_strangers_click_changes_nothing(group, silenced, handler) -> None:
    """Another bot's, from another message, with another group's number, or from none."""
    other = make_receiver()
    theirs = fire(other)
    AlertGroup.objects.filter(pk=theirs.pk).update(message_id="om_theirs")
    answers = (
        click(handler, other.bot, group, hours=1),
        click(handler, other.bot, group, hours=1, message_id="om_theirs"),
        click(handler, group.bot, group, hours=1, message_id="om_other"),
        click(handler, group.bot, theirs, hours=1),
        click(handler, group.bot, group, hours=1, message_id=""),
    )
    assert {said(answer) for answer in answers} == {"This card is out of date. Look for a newer one."}
    assert not silenced
    assert not AlertGroup.objects.exclude(acknowledged_by="").exists()


@pytest.mark.parametrize("value", ["text", "7", None])
def test_value_of_another_shape_is_no_card_of_ours(group, value) -> None:
    event = arrived(group.bot, click_event(value=value))
    assert handlers.acknowledge_alerts(event, group.bot) == handlers.NO_SUCH_CARD
