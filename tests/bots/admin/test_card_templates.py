import json

import pytest
from django.test import Client
from django.urls import reverse

from bots.models import CardTemplate
from core.access.models import AuditEntry
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.factories import make_card_template

pytestmark = pytest.mark.django_db

ADD = "admin:bots_cardtemplate_add"
PREVIEW = "admin:bots_cardtemplate_preview"
PAGE = "bots_cardtemplate"
CARD = '{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{text}}"}]}}'
VARIABLES = '{"text": {"type": "text", "example": "<b>Disk</b> full"}}'


def form(rows: Rows, **values: str) -> dict[str, str]:
    return {
        "name": "disk-full",
        "bot": str(rows.bot.pk),
        "description": "A disk",
        "card": CARD,
        "variables": VARIABLES,
    } | values


def errors(response: object) -> list[str]:
    return list(response.context["adminform"].form.errors)  # type: ignore[attr-defined]


def test_owner_adds_changes_and_deletes_one(rows: Rows, as_owner: Client) -> None:
    as_owner.post(reverse(ADD), form(rows))
    template = CardTemplate.objects.get()
    assert (template.bot, template.name, template.card) == (rows.bot, "disk-full", CARD)
    assert template.variables == json.loads(VARIABLES)
    page = page_of(PAGE, template)
    assert "disk-full" in text_of(as_owner.get(page))
    as_owner.post(page, form(rows, name="other", description="Full"))
    template.refresh_from_db()
    assert (template.name, template.description, template.version) == ("disk-full", "Full", 2)
    as_owner.post(page_of(PAGE, template, "delete"), {"post": "yes"})
    assert not CardTemplate.objects.exists()
    actions = AuditEntry.objects.filter(target="disk-full").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["card_template.created", "card_template.updated", "card_template.deleted"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Disk full"),
        ("name", ""),
        ("card", "{"),
        ("card", '{"elements": []}'),
        ("card", ""),
        ("variables", "{"),
        ("variables", '{"text": "text"}'),
        ("variables", "[" * 50_000),
        ("bot", ""),
    ],
)
def test_what_could_not_be_sent_is_refused(rows: Rows, as_owner: Client, field: str, value: str) -> None:
    assert errors(as_owner.post(reverse(ADD), form(rows, **{field: value}))) == [field]
    assert not CardTemplate.objects.exists()


def test_name_is_taken_once_for_each_bot(rows: Rows, as_owner: Client) -> None:
    make_card_template(rows.bot, name="disk-full")
    make_card_template(None, name="other")
    assert errors(as_owner.post(reverse(ADD), form(rows))) == ["__all__"]
    as_owner.post(reverse(ADD), form(rows, name="other"))
    assert CardTemplate.objects.filter(name="other").count() == 2


def test_card_of_all_bots_is_changed_by_administrators_alone(
    rows: Rows, as_owner: Client, as_superuser: Client
) -> None:
    as_superuser.post(reverse(ADD), form(rows, bot=""))
    template = CardTemplate.objects.get(bot=None)
    page = page_of(PAGE, template)
    assert "disk-full" in text_of(as_owner.get(page))
    assert as_owner.post(page, form(rows, description="Mine")).status_code == 403
    assert as_owner.post(page_of(PAGE, template, "delete"), {"post": "yes"}).status_code == 403
    as_superuser.post(page, form(rows, description="Ours"))
    template.refresh_from_db()
    assert template.description == "Ours"


def test_stranger_gives_no_foreign_bot_a_template(rows: Rows, as_stranger: Client) -> None:
    assert errors(as_stranger.post(reverse(ADD), form(rows))) == ["bot"]
    template = make_card_template(rows.bot)
    assert as_stranger.get(page_of(PAGE, template)).status_code == 404
    assert template.name not in text_of(as_stranger.get(list_of(PAGE)))


def test_draft_is_shown_in_a_frame_that_may_load_nothing(rows: Rows, as_owner: Client) -> None:
    response = as_owner.post(reverse(PREVIEW), form(rows))
    shown = response.content.decode()
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none';")
    assert "<b>" not in shown
    card = shown.partition('<script id="card" type="application/json">')[2].partition("</script>")[0]
    [element] = json.loads(card)["body"]["elements"]
    assert element["content"] == "&#60;b&#62;Disk&#60;&#47;b&#62; full"


def test_draft_with_a_fault_says_so(rows: Rows, as_owner: Client) -> None:
    shown = as_owner.post(reverse(PREVIEW), form(rows, card="{")).content.decode()
    assert "This is not JSON: line 1, column 2" in shown
    assert "The card appears here" in as_owner.get(reverse(PREVIEW)).content.decode()


def test_saved_card_is_shown_to_those_who_see_its_bot(
    rows: Rows, as_owner: Client, as_stranger: Client
) -> None:
    template = make_card_template(rows.bot)
    address = reverse("admin:bots_cardtemplate_preview_saved", args=[template.pk])
    assert "Disk full" in as_owner.get(address).content.decode()
    assert as_stranger.get(address).status_code == 404
