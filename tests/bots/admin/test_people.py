"""The people picker: what it is offered, and by whom it may be asked."""

import pytest
import respx
from django.test import Client
from django.urls import reverse

from bots.models import Bot, Person, PersonPicture
from bots.people.directory import remember
from feishu.people import Profile
from tests.console.rows import Rows, text_of
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n"


def address(bot: Bot) -> str:
    return reverse("admin:bots_bot_people", args=[bot.pk])


@pytest.fixture
def contacts():
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        router.post("/open-apis/contact/v3/users/batch_get_id", name="ids").respond(
            json={"code": 0, "data": {"user_list": [{"user_id": "ou_wang"}]}}
        )
        router.get("/open-apis/contact/v3/users/batch").respond(
            json={"code": 0, "data": {"items": [{"open_id": "ou_wang", "name": "王芳"}]}}
        )
        yield router


def test_people_of_the_bot_are_offered_by_name(rows: Rows, as_owner: Client) -> None:
    remember(
        rows.bot, [Profile("ou_wang", name="王芳", email="wang@company.test"), Profile("ou_li", name="李雷")]
    )
    remember(make_bot(), [Profile("ou_other", name="王芳")])
    answer = as_owner.get(address(rows.bot), {"q": "芳"}).json()
    assert answer["people"] == [
        {
            "open_id": "ou_wang",
            "name": "王芳",
            "more": "wang@company.test",
            "initials": "芳",
            "colour": 2,
            "picture": "",
        }
    ]
    assert not answer["is_address"]


def test_nobody_is_offered_before_something_is_typed(rows: Rows, as_owner: Client) -> None:
    remember(rows.bot, [Profile("ou_wang", name="王芳")])
    assert as_owner.get(address(rows.bot)).json()["people"] == []


def test_whole_address_can_be_looked_up(rows: Rows, as_owner: Client, contacts) -> None:
    assert as_owner.get(address(rows.bot), {"q": "wang@company.test"}).json()["is_address"]
    answer = as_owner.post(address(rows.bot), {"q": "wang@company.test"}).json()
    assert [person["open_id"] for person in answer["people"]] == ["ou_wang"]
    assert as_owner.get(address(rows.bot), {"q": "王"}).json()["people"][0]["open_id"] == "ou_wang"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"code": 0, "data": {"user_list": []}}, "knows nobody as “wang@company.test”"),
        ({"code": 99991672, "msg": "no scope"}, "could not be asked. The app lacks a scope. "),
    ],
)
def test_why_nobody_is_found_is_said(rows: Rows, as_owner: Client, contacts, found, words) -> None:
    contacts["ids"].respond(json=found)
    answer = as_owner.post(address(rows.bot), {"q": "wang@company.test"}).json()
    assert words in answer["problem"]
    assert answer["people"] == []


def test_what_is_no_address_is_not_looked_up(rows: Rows, as_owner: Client, contacts) -> None:
    assert as_owner.post(address(rows.bot), {"q": "王芳"}).json()["problem"]
    assert not contacts["ids"].called


def test_stranger_is_told_of_no_bot(rows: Rows, as_stranger: Client, contacts) -> None:
    remember(rows.bot, [Profile("ou_wang", name="王芳")])
    assert as_stranger.get(address(rows.bot), {"q": "王"}).status_code == 404
    assert as_stranger.post(address(rows.bot), {"q": "wang@company.test"}).status_code == 404
    assert not contacts["ids"].called


def test_form_has_the_picker_with_the_names_of_who_is_filled_in(rows: Rows, as_owner: Client) -> None:
    remember(rows.bot, [Profile("ou_wang", name="王芳")])
    page = as_owner.get(
        reverse("admin:auth_sessions_authsession_ask"), {"bot": str(rows.bot.pk), "open_id": "ou_wang"}
    )
    assert "portal/people" in page.text
    assert "\\u738b\\u82b3" in text_of(page)


def test_names_of_another_operators_people_are_not_filled_in(rows: Rows, as_stranger: Client) -> None:
    remember(rows.bot, [Profile("ou_wang", name="Zulu Wang")])
    page = as_stranger.get(
        reverse("admin:auth_sessions_authsession_ask"), {"bot": str(rows.bot.pk), "open_id": "ou_wang"}
    )
    assert "Zulu" not in page.text


@pytest.fixture
def picture(rows: Rows) -> str:
    """The address of the picture of one of the bot's people."""
    remember(rows.bot, [Profile("ou_wang", name="王芳")])
    digest = "ab" * 32
    PersonPicture.objects.create(
        person=Person.objects.get(open_id="ou_wang"),
        url="https://pictures.test/72",
        digest=digest,
        content=PNG,
    )
    return reverse("admin:bots_bot_picture", args=[digest])


def test_picture_is_shown_and_kept_by_the_browser(rows: Rows, as_owner: Client, picture: str) -> None:
    answer = as_owner.get(picture)
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, max-age=604800, immutable"
    assert "script-src" in answer["Content-Security-Policy"]
    again = as_owner.get(picture, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_stranger_is_shown_no_picture(as_stranger: Client, client: Client, picture: str) -> None:
    assert as_stranger.get(picture).status_code == 404
    assert client.get(picture).status_code == 302  # to sign in


def test_person_is_offered_with_the_picture(rows: Rows, as_owner: Client, picture: str) -> None:
    [person] = as_owner.get(address(rows.bot), {"q": "王"}).json()["people"]
    assert person["picture"] == picture
