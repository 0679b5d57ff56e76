"""People by name, on the pages of the rows that name them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from auth_sessions.enums import FailureReason
from auth_sessions.models import AuthSession, TokenUse, UserToken
from bots.enums import SendingKind
from bots.models import Bot, Person, Sending
from bots.people import lookup
from bots.people.directory import FRESH, KnownPerson, remember
from core.console.people import avatar, shown, shown_in_full
from feishu.people import Profile
from tests.console.operators import *  # noqa: F403 -- fixtures
from tests.console.rows import Rows, list_of, page_of, signed_in, text_of
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

WANG = Profile("ou_wang", name="王芳", en_name="Fang Wang")
LISTS = ("auth_sessions_authsession", "auth_sessions_usertoken", "auth_sessions_tokenuse", "bots_sending")


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """People that pages had looked up."""
    people: list[tuple[str, str]] = []
    monkeypatch.setattr(lookup, "notify", lambda _task, new: people.extend(new))
    monkeypatch.setattr(lookup, "_lately", lookup._Lately())
    return people


def add_rows(bot: Bot, open_id: str) -> None:
    now = timezone.now()
    AuthSession.objects.create(
        bot=bot, open_id=open_id, start_hash=f"{bot.pk}{open_id}"[-64:], expires_at=now
    )
    UserToken.objects.create(
        bot=bot, open_id=open_id, access_expires_at=now, authorized_at=now, reauthorize_by=now
    )
    TokenUse.objects.create(bot=bot, open_id=open_id, kind="call", caller="crm")
    Sending.objects.create(
        bot=bot, target=open_id, receive_id_type="open_id", kind=SendingKind.MESSAGE, msg_type="text"
    )


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("language", "words"), [("zh-hans", "王芳"), ("en", "Fang Wang")])
def test_list_shows_people_by_name_in_the_language_of_the_page(
    rows: Rows, as_owner: Client, name: str, language: str, words: str
) -> None:
    add_rows(rows.bot, "ou_wang")
    remember(rows.bot, [WANG])
    page = text_of(as_owner.get(list_of(name), headers={"Accept-Language": language}))
    assert f"</span>{words}</span>" in page
    assert 'title="ou_wang"' in page


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_once_who_its_people_are(rows: Rows, as_owner: Client, name: str) -> None:
    remember(rows.bot, [Profile(f"ou_{number}", name=f"Person {number}") for number in range(5)])
    for number in range(5):
        add_rows(rows.bot, f"ou_{number}")
    with CaptureQueriesContext(connection) as queries:
        page = text_of(as_owner.get(list_of(name)))
    assert all(f"Person {number}" in page for number in range(5))
    assert sum(Person._meta.db_table in query["sql"] for query in queries) == 1


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("typed", ["芳", "fang w", "ou_wang"])
def test_rows_are_found_by_the_name_of_their_person(
    rows: Rows, as_owner: Client, name: str, typed: str
) -> None:
    add_rows(rows.bot, "ou_wang")
    remember(rows.bot, [WANG])
    found = as_owner.get(list_of(name), {"q": typed}).context["cl"].result_list
    assert [getattr(row, "open_id", "") or row.target for row in found] == ["ou_wang"]


def test_stranger_finds_nobody_by_name(rows: Rows) -> None:
    add_rows(rows.bot, "ou_wang")
    remember(rows.bot, [WANG])
    other, stranger = make_bot(), make_operator()
    other.owners.add(stranger)
    add_rows(other, "ou_other")
    page = signed_in(stranger).get(list_of("auth_sessions_authsession"), {"q": "王芳"})
    assert not page.context["cl"].result_list


def test_page_shows_name_and_id(rows: Rows, as_owner: Client) -> None:
    remember(rows.bot, [Profile(rows.token.open_id, name="Li Lei")])
    page = text_of(as_owner.get(page_of("auth_sessions_usertoken", rows.token)))
    assert "Li Lei" in page
    assert f'data-copy="{rows.token.open_id}"' in page


def test_people_of_whom_nothing_new_is_known_are_looked_up(rows: Rows, as_owner: Client, wanted) -> None:
    AuthSession.objects.exclude(pk=rows.session.pk).delete()
    remember(rows.bot, [WANG])
    add_rows(rows.bot, "ou_wang")
    for _ in range(2):
        as_owner.get(list_of("auth_sessions_authsession"))
    assert wanted == [(str(rows.bot.pk), rows.session.open_id)]
    Person.objects.update(updated_at=timezone.now() - FRESH - timedelta(minutes=1))
    as_owner.get(list_of("auth_sessions_authsession"))
    assert wanted[1:] == [(str(rows.bot.pk), "ou_wang")]


def test_who_authorized_in_place_of_the_person_asked_is_named(rows: Rows, as_owner: Client) -> None:
    remember(rows.bot, [WANG])
    AuthSession.objects.filter(pk=rows.session.pk).update(
        reason=FailureReason.WRONG_PERSON, authorized_by="ou_wang"
    )
    page = text_of(as_owner.get(page_of("auth_sessions_authsession", rows.session)))
    assert 'Another person authorized <a class="portal-person-link"' in page
    assert "Fang Wang" in page


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("王芳", "芳"),
        ("王芳（外包）", "芳"),
        ("Fang Wang (HR)", "FW"),
        ("lei", "L"),
        ("A B C", "AB"),
        ("<b>", "&lt;"),
        ("（", "（"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert f">{letters}</span>" in shown("ou_1", KnownPerson("ou_1", name))


def test_picture_lies_over_the_initials() -> None:
    person = KnownPerson("ou_1", "王芳", picture="ab12")
    image = '芳<img src="/admin/bots/bot/picture/ab12/" alt="" loading="lazy"></span>'
    assert image in shown("ou_1", person)
    assert image in shown_in_full("ou_1", person)
    assert avatar("ou_1", KnownPerson("ou_1", "", picture="ab12")) == ""


def test_who_is_not_known_by_name_is_shown_by_id() -> None:
    assert shown("ou_1", None) == shown("ou_1", KnownPerson("ou_1", ""))
    assert "ou_1</code>" in shown("ou_1", None)
    assert 'data-copy="ou_1"' in shown_in_full("ou_1", None)


@pytest.mark.parametrize(
    ("requested_by", "words"),
    [
        ("user:ou_asked", "The person themself"),
        ("user:ou_wang", "Fang Wang"),
        ("api:crm", "API client · crm"),
    ],
)
def test_who_asked_for_a_session_is_named(
    rows: Rows, as_owner: Client, requested_by: str, words: str
) -> None:
    remember(rows.bot, [WANG])
    AuthSession.objects.filter(pk=rows.session.pk).update(open_id="ou_asked", requested_by=requested_by)
    assert words in text_of(as_owner.get(page_of("auth_sessions_authsession", rows.session)))
