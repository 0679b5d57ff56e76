"""What the card of a notice says of incidents in each of their states."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.incidents.cards import MAX_SHOWN, notice_card
from bots.incidents.repairs import problem_of
from bots.incidents.silences import silence
from bots.models import Incident
from core.access.actors import SYSTEM
from feishu.card_rules import check
from tests.bots.incidents.people import make_person
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    return make_incident("Helper")


def make_incident(name: str, **values: Any) -> Incident:
    """Of a bot whose App Secret is wrong."""
    told = {"cause": "configuration", "code": 10014, "began_at": timezone.now()} | values
    return Incident.objects.create(bot=make_bot(name=name), **told)


def head(card: dict[str, Any]) -> tuple[str, str]:
    """Colour and title."""
    return card["header"]["template"], card["header"]["title"]["content"]


def buttons(card: dict[str, Any]) -> list[str]:
    found: list[str] = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("tag") == "button":
                found.append(part["text"]["content"])
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(card["body"])
    return found


def test_card_says_what_happened_and_leads_to_the_repair(incident):
    card = notice_card([incident])
    assert head(card) == ("red", "Severe: Helper cannot connect: the configuration is wrong")
    assert card["header"]["title"]["i18n_content"]["zh_cn"] == "严重：Helper 无法连接：配置有误"
    assert buttons(card) == ["Update App Secret", "Take it", "Silence for a day", "Check again"]
    whole = json.dumps(card, ensure_ascii=False)
    assert f"https://portal.test/admin/bots/bot/{incident.bot_id}/change/#id_app_secret" in whole
    assert incident.bot is not None
    assert "10014" in whole


def test_lesser_problem_is_orange(incident):
    incident.cause = "foreign"
    assert head(notice_card([incident]))[0] == "orange"


def test_card_of_one_that_is_taken_says_by_whom(incident):
    incident.assignee = make_person("lin")
    card = notice_card([incident])
    assert head(card)[0] == "turquoise"
    assert "由 **lin** 处理" in json.dumps(card, ensure_ascii=False)
    assert "Take over" in buttons(card)


def test_card_of_one_that_is_silenced_is_grey(incident):
    silence(problem_of(incident), actor=SYSTEM)
    card = notice_card([incident])
    assert head(card)[0] == "grey"
    assert "End silence" in buttons(card)


def test_card_of_one_that_is_over_is_green_without_buttons(incident):
    incident.recovered_at = incident.closed_at = timezone.now()
    card = notice_card([incident])
    assert head(card) == ("green", "Helper has recovered")
    assert buttons(card) == []


def test_card_of_what_is_not_watched_any_more_claims_no_recovery(incident):
    incident.closed_at = timezone.now()
    assert head(notice_card([incident])) == (
        "grey",
        "No longer watched: Helper cannot connect: the configuration is wrong",
    )


def test_many_share_a_card_in_the_colour_of_who_needs_somebody_most(incident):
    over = make_incident("Well", closed_at=timezone.now(), recovered_at=timezone.now() - timedelta(minutes=2))
    card = notice_card([over, incident])
    assert head(card) == ("red", "1 incident needs you")
    assert buttons(card).count("Take it") == 1


def test_card_holds_as_many_as_the_platform_takes():
    many = [make_incident(f"{number}" + "助_" * 49) for number in range(MAX_SHOWN + 12)]
    card = notice_card(many)
    assert head(card)[1] == f"{len(many)} incidents need you"
    check(card)
    assert "… and " in json.dumps(card, ensure_ascii=False)


def test_card_keeps_the_platforms_rules(incident):
    check(notice_card([incident, make_incident("Another")]))


def test_name_of_a_bot_makes_no_markup():
    card = notice_card([make_incident("<at id=all></at> **x**"), make_incident("B")])
    assert "<at" not in json.dumps(card["body"])
