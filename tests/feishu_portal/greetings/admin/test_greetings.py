import pytest
from django.test import Client
from django.urls import reverse

from core.access.models import AuditEntry
from events.handling.switches import switches_of
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeting
from tests.console.rows import Rows, list_of, page_of, text_of
from tests.factories import make_bot, make_card_template

ADD = "admin:greetings_greeting_add"
PAGE = "greetings_greeting"


def form(rows: Rows, **values: str) -> dict[str, str]:
    return {
        "bot": str(rows.bot.pk),
        "occasion": "bot_added",
        "menu_key": "",
        "text": "Hello {{chat}}",
        "template": "",
        "pause_minutes": "10",
        "enabled": "on",
    } | values


def errors(response: object) -> list[str]:
    return list(response.context["adminform"].form.errors)  # type: ignore[attr-defined]


def test_owner_sets_one_and_its_handler_goes_on_and_off_with_it(rows: Rows, as_owner: Client) -> None:
    as_owner.post(reverse(ADD), form(rows))
    greeting = Greeting.objects.get()
    assert (greeting.bot, greeting.text) == (rows.bot, "Hello {{chat}}")
    assert switches_of(rows.bot.pk) == {"greetings.bot_added": True}
    page = page_of(PAGE, greeting)
    assert "The bot is added to a group" in text_of(as_owner.get(page))
    as_owner.post(page, form(rows, text="Bye", enabled=""))
    greeting.refresh_from_db()
    assert (greeting.text, greeting.enabled) == ("Bye", False)
    assert switches_of(rows.bot.pk) == {"greetings.bot_added": False}
    as_owner.post(page_of(PAGE, greeting, "delete"), {"post": "yes"})
    assert not Greeting.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="greeting.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "greeting.created",
        "greeting.updated",
        "greeting.deleted",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "{{name}}"}, "text"),
        ({"occasion": "menu"}, "menu_key"),
        ({"pause_minutes": "43201"}, "pause_minutes"),
        ({"occasion": "birthday"}, "occasion"),
    ],
)
def test_what_says_nothing_is_refused(
    rows: Rows, as_owner: Client, values: dict[str, str], field: str
) -> None:
    assert errors(as_owner.post(reverse(ADD), form(rows, **values))) == [field]


def test_card_template_is_the_bots_and_needs_no_values(rows: Rows, as_superuser: Client) -> None:
    lacking, foreign = make_card_template(rows.bot), make_card_template(make_bot())
    for template, text in ((lacking, ""), (foreign, ""), (lacking, "both")):
        refused = as_superuser.post(reverse(ADD), form(rows, template=str(template.pk), text=text))
        assert "template" in errors(refused)
    fitting = make_card_template(rows.bot, variables={"text": {"type": "text", "default": "Hi"}})
    as_superuser.post(reverse(ADD), form(rows, template=str(fitting.pk), text=""))
    assert Greeting.objects.get().template == fitting


def test_card_template_that_a_greeting_shows_is_not_deleted(rows: Rows, as_superuser: Client) -> None:
    template = make_card_template(rows.bot)
    Greeting.objects.create(bot=rows.bot, occasion=Occasion.BOT_ADDED, template=template)
    page = as_superuser.post(reverse("admin:bots_cardtemplate_delete", args=[template.pk]), {"post": "yes"})
    assert "Cannot delete card template" in text_of(page)
    template.refresh_from_db()


@pytest.mark.parametrize(("occasion", "refused"), [("bot_added", ["template"]), ("people_joined", [])])
def test_card_has_a_person_where_the_occasion_is_somebodys(
    rows: Rows, as_owner: Client, occasion: str, refused: list[str]
) -> None:
    card = (
        '{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "<at id={{person}}></at>"}]}}'
    )
    template = make_card_template(
        rows.bot, card=card, variables={"person": {"type": "person", "example": "ou_1"}}
    )
    response = as_owner.post(reverse(ADD), form(rows, occasion=occasion, text="", template=str(template.pk)))
    found = errors(response) if response.status_code == 200 else []
    assert found == refused


def test_page_says_where_the_portals_own_answer_wins(rows: Rows, as_owner: Client) -> None:
    response = as_owner.post(reverse(ADD), form(rows, occasion="welcome"), follow=True)
    assert "Switch it off for this bot" in text_of(response)
    assert "own answer wins" in text_of(as_owner.get(list_of(PAGE)))


def test_occasion_has_one_greeting(rows: Rows, as_owner: Client) -> None:
    as_owner.post(reverse(ADD), form(rows))
    assert errors(as_owner.post(reverse(ADD), form(rows, menu_key="ignored"))) == ["__all__"]


def test_stranger_sees_and_sets_none(rows: Rows, as_owner: Client, as_stranger: Client) -> None:
    as_owner.post(reverse(ADD), form(rows))
    greeting = Greeting.objects.get()
    assert as_stranger.get(page_of(PAGE, greeting)).status_code == 404
    assert "Hello" not in text_of(as_stranger.get(list_of(PAGE)))
    assert errors(as_stranger.post(reverse(ADD), form(rows))) == ["bot"]
