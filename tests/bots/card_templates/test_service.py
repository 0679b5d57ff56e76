import json

import pytest

from bots.card_templates.service import (
    add_template,
    change_template,
    remove_template,
    saved_card,
    template_of,
)
from bots.errors import TemplateError
from bots.models import Bot, CardTemplate
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from tests.factories import make_bot, make_card_template

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    return make_bot()


def content(card: dict[str, object]) -> object:
    return json.loads(json.dumps(card))["body"]["elements"][0]["content"]


def test_card_is_found_by_name_and_by_id_and_filled(bot: Bot) -> None:
    template = make_card_template(bot, name="disk-full")
    for name in ("disk-full", str(template.pk)):
        assert content(saved_card(bot, name, {"text": "db-1"})) == "db&#45;1"


def test_own_template_wins_over_one_of_all_bots(bot: Bot) -> None:
    shared = make_card_template(None, name="disk-full")
    assert template_of(bot, "disk-full") == shared
    own = make_card_template(bot, name="disk-full")
    assert template_of(bot, "disk-full") == own
    assert template_of(make_bot(), "disk-full") == shared


def test_template_of_another_bot_is_not_there(bot: Bot) -> None:
    foreign = make_card_template(make_bot(), name="secret")
    for name in ("secret", str(foreign.pk), "none"):
        with pytest.raises(TemplateError, match="has no card template"):
            saved_card(bot, name, {"text": "x"})


def test_card_that_becomes_too_large_with_its_values_is_refused(bot: Bot) -> None:
    make_card_template(bot, name="disk-full")
    with pytest.raises(TemplateError, match="the platform takes 30720"):
        saved_card(bot, "disk-full", {"text": "字" * 11_000})


def test_every_change_is_another_version_and_in_the_audit_log(bot: Bot) -> None:
    template = CardTemplate(bot=bot, name="a", card="{}", variables={})
    add_template(template, actor=SYSTEM)
    template.description, template.card = "New", '{"elements": []}'
    change_template(template, changed=["description", "card"], actor=SYSTEM)
    stored = CardTemplate.objects.get()
    assert (stored.version, stored.description, stored.card) == (2, "New", '{"elements": []}')
    remove_template(template, actor=SYSTEM)
    assert not CardTemplate.objects.exists()
    entries = AuditEntry.objects.filter(action__startswith="card_template.").order_by("pk")
    assert [(one.action, one.detail["version"]) for one in entries] == [
        ("card_template.created", 1),
        ("card_template.updated", 2),
        ("card_template.deleted", 2),
    ]
    assert entries[1].detail["changed"] == ["card", "description"]
    assert entries[1].detail["values"] == {"description": ["", "New"]}
