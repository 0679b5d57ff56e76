"""Clicks on the cards of incidents: by operators whose account is linked, and by nobody else."""

import json
from typing import Any

import pytest
from django.utils import timezone

from auth_sessions.models import OperatorAccount
from bots.models import Bot, Checkup, Incident, Notice, NoticeCard, Person, ProblemSilence
from core.access.models import AuditEntry, User
from core.access.roles import Role
from feishu_portal import handlers
from tests.auth_sessions.arriving import arrived
from tests.factories import click_event, make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin() -> User:
    return make_operator("lin")


@pytest.fixture
def messenger() -> Bot:
    return make_bot(name="Messenger")


@pytest.fixture
def incident(lin: User, messenger: Bot) -> Incident:
    """Told to lin on the card om_card."""
    bot = make_bot(name="Helper")
    bot.owners.add(lin)
    incident = Incident.objects.create(bot=bot, cause="configuration", code=10014, began_at=timezone.now())
    card = NoticeCard.objects.create(bot=messenger, message_id="om_card", card_shows=1)
    Notice.objects.create(
        incident=incident, user=lin, channel="feishu", card=card, problem_sent_at=timezone.now()
    )
    return incident


def link(user: User, bot: Bot, open_id: str) -> None:
    OperatorAccount.objects.create(user=user, bot=bot, destination=bot.destination, open_id=open_id)


def click(handler: Any, bot: Bot, incident: Incident, **values: Any) -> Any:
    told = {"open_id": "ou_lin", "message_id": "om_card"} | values
    return handler(arrived(bot, click_event(value={"incident": incident.pk}, **told)), bot)


def test_operator_takes_it(incident, messenger, lin):
    link(lin, messenger, "ou_lin")
    answer = click(handlers.take_incident, messenger, incident)
    incident.refresh_from_db()
    assert incident.assignee == lin
    assert answer["card"]["data"]["header"]["template"] == "turquoise"
    assert answer["toast"]["i18n"]["zh_cn"] == "由你处理。"
    assert AuditEntry.objects.get(action="incident.taken").actor == "operator:lin"


def test_operator_silences_it_and_ends_that(incident, messenger, lin):
    link(lin, messenger, "ou_lin")
    assert click(handlers.silence_incident, messenger, incident)["toast"]["content"] == "Silenced for a day."
    assert ProblemSilence.objects.get().by == "operator:lin"
    answer = click(handlers.end_silence_of_incident, messenger, incident)
    assert answer["card"]["data"]["header"]["template"] == "red"
    assert not ProblemSilence.objects.exists()


def test_operator_has_the_bot_checked_and_not_twice_at_once(incident, messenger, lin):
    link(lin, messenger, "ou_lin")
    assert "Being checked" in click(handlers.check_bot_again, messenger, incident)["toast"]["content"]
    assert "seconds ago" in click(handlers.check_bot_again, messenger, incident)["toast"]["content"]
    assert Checkup.objects.get(bot=incident.bot).asked_at


def test_operator_is_known_by_union_id_where_another_bot_signs_them_in(incident, messenger, lin):
    sign_in_bot = make_bot(name="Door")
    link(lin, sign_in_bot, "ou_lin_at_the_door")
    Person.objects.create(bot=sign_in_bot, open_id="ou_lin_at_the_door", union_id="on_1")
    click(handlers.take_incident, messenger, incident)
    incident.refresh_from_db()
    assert incident.assignee == lin


@pytest.mark.parametrize("who", ["unlinked", "stranger", "viewer", "disabled"])
def test_others_change_nothing(incident, messenger, lin, who):
    other = make_operator("mei")
    if who != "unlinked":
        link(other, messenger, "ou_lin")
    if who == "viewer":
        incident.bot.owners.add(other)
        User.objects.filter(pk=other.pk).update(role=Role.VIEWER)
    if who == "disabled":
        incident.bot.owners.add(other)
        User.objects.filter(pk=other.pk).update(is_active=False)
    for handler in (
        handlers.take_incident,
        handlers.silence_incident,
        handlers.end_silence_of_incident,
        handlers.check_bot_again,
    ):
        assert click(handler, messenger, incident) == handlers.NO_OPERATOR
    incident.refresh_from_db()
    assert (incident.assignee, ProblemSilence.objects.count()) == (None, 0)


def test_button_of_another_message_does_nothing(incident, messenger, lin):
    link(lin, messenger, "ou_lin")
    link(lin, incident.bot, "ou_lin")
    assert click(handlers.take_incident, messenger, incident, message_id="om_else") == handlers.NO_SUCH_CARD
    assert click(handlers.take_incident, incident.bot, incident) == handlers.NO_SUCH_CARD


def test_click_on_what_is_over_shows_that(incident, messenger, lin):
    link(lin, messenger, "ou_lin")
    now = timezone.now()
    Incident.objects.update(recovered_at=now, closed_at=now)
    answer = click(handlers.take_incident, messenger, incident)
    assert "over" in answer["toast"]["content"]
    assert "recovered" in json.dumps(answer["card"])
