"""A person's page and the list of people: one person once, and nothing of bots that an operator does not see."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from auth_sessions.enums import TokenStatus
from bots.enums import SendingKind, SendingState
from bots.models import Bot, Person, Sending
from bots.people.directory import remember
from core.access.models import User
from core.access.roles import Role
from feishu.people import Profile
from tests.console.rows import list_of, make_event, make_session, page_of, signed_in, text_of
from tests.factories import make_bot, make_grant, make_operator

pytestmark = pytest.mark.django_db

PAGE = "bots_person"
LIST = list_of(PAGE)


def known(bot: Bot, open_id: str, union_id: str = "on_wang", **said: str) -> Person:
    remember(bot, [Profile(open_id, union_id, **said)])
    return Person.objects.get(bot=bot, open_id=open_id)


@pytest.fixture
def lin() -> User:
    """The owner of two bots that know the same person by different open_ids; a third bot that knows her is somebody else's."""
    lin = make_operator("lin")
    for name, open_id in (("Approvals", "ou_a"), ("Leave", "ou_b")):
        bot = make_bot(name=name)
        bot.owners.add(lin)
        known(bot, open_id)
    known(Bot.objects.get(name="Leave"), "ou_b", name="王芳", en_name="Fang Wang", email="wang@company.test")
    known(make_bot(name="Salaries"), "ou_c", name="王芳")
    return lin


def person(open_id: str) -> Person:
    return Person.objects.select_related("bot").get(open_id=open_id)


def listed(browser: Client, **query: str) -> list[str]:
    return [row.open_id for row in browser.get(LIST, query).context["cl"].result_list]


def blocks(html: str) -> list[str]:
    return html.split('data-testid="at-bot"')[1:]


def give_much(one: Person) -> None:
    """A grant, a request, a message and an event of the person at her bot."""
    make_grant(one.bot, open_id=one.open_id, scopes=["offline_access", "im:message", "a:b", "c:d"])
    session = make_session(one.bot)
    type(session).objects.filter(pk=session.pk).update(open_id=one.open_id)
    Sending.objects.create(
        bot=one.bot, target=one.open_id, receive_id_type="open_id", kind=SendingKind.MESSAGE, msg_type="text",
        state=SendingState.SENT,
    )  # fmt: skip
    make_event(one.bot, open_id=one.open_id)


def test_page_shows_the_person_at_every_bot_of_the_operator(lin):
    give_much(person("ou_a"))
    html = text_of(signed_in(lin).get(page_of(PAGE, person("ou_a"))))
    approvals, leave = blocks(html)
    assert "2 bots know this person" in html
    assert 'data-copy="on_wang"' in html
    assert "Salaries" not in html
    assert "ou_c" not in html
    # The first bot was told no name; the other one was.
    assert "Fang Wang" in html
    assert 'data-copy="ou_a"' in approvals
    for words in ("Active", "+1", "Last request", "Last message sent", "Last event", 'data-testid="token"'):
        assert words in approvals
    assert 'data-copy="ou_b"' in leave
    for words in ("Last request", "Last message sent", "Last event", 'data-testid="token"'):
        assert words not in leave
    assert "None yet" in leave
    assert 'data-testid="ask"' in leave


def test_page_is_in_chinese_too(lin):
    html = text_of(signed_in(lin, "zh-hans").get(page_of(PAGE, person("ou_b"))))
    assert "2 个机器人认识此成员" in html
    assert "发送授权卡片" in html


@pytest.mark.parametrize("open_id", ["ou_a", "ou_b"])
@pytest.mark.parametrize(
    ("language", "words", "other"), [("en", "lso called", "王芳"), ("zh-hans", "别名", "Fang Wang")]
)
def test_page_says_the_name_in_the_other_language_as_well(lin, open_id, language, words, other):
    """Also where another bot alone was told it."""
    html = text_of(signed_in(lin, language).get(page_of(PAGE, person(open_id))))
    field = html[html.index(words) :]
    assert other in field[:400]


def test_every_row_of_the_person_leads_to_the_same(lin):
    browser = signed_in(lin)
    pages = [text_of(browser.get(page_of(PAGE, person(open_id)))) for open_id in ("ou_a", "ou_b")]
    assert [len(blocks(page)) for page in pages] == [2, 2]


def test_number_of_queries_grows_by_the_last_event_of_each_bot_alone(lin):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert signed_in(lin).get(page_of(PAGE, person("ou_a"))).status_code == 200
        return len(captured)

    for open_id in ("ou_a", "ou_b"):
        give_much(person(open_id))
    queries()
    two = queries()
    bot = make_bot(name="Third")
    bot.owners.add(lin)
    give_much(known(bot, "ou_d"))
    assert queries() == two + 2


def test_stranger_is_told_that_there_is_no_such_person(lin):
    browser = signed_in(lin)
    foreign, missing = person("ou_c"), reverse("admin:bots_person_change", args=[10**9])
    answers = [browser.get(page_of(PAGE, foreign)), browser.get(missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert listed(browser, q="ou_c") == []


def test_list_has_a_person_once_with_the_bots_that_may_act(lin):
    make_grant(person("ou_b").bot, open_id="ou_b")
    make_grant(person("ou_a").bot, open_id="ou_a", status=TokenStatus.NEEDS_REAUTH)
    known(person("ou_a").bot, "ou_li", "", name="李雷")
    answer = signed_in(lin).get(LIST)
    assert sorted(row.open_id for row in answer.context["cl"].result_list) == ["ou_a", "ou_li"]
    assert "Approvals, Leave" in text_of(answer)
    by_id = {row.open_id: [one.bot.name for one in row.active] for row in answer.context["cl"].result_list}
    assert by_id == {"ou_a": ["Leave"], "ou_li": []}
    assert "Fang Wang" in text_of(answer)


@pytest.mark.parametrize("typed", ["王", "fang", "on_wang", "ou_b", "u1001", "wang@company.test"])
def test_person_is_found_once(lin, typed):
    make_grant(person("ou_b").bot, open_id="ou_b", user_id="u1001")
    known(person("ou_a").bot, "ou_li", "on_li", name="李雷")
    [found] = listed(signed_in(lin), q=typed)
    assert found in {"ou_a", "ou_b"}


def test_list_of_one_bot_has_its_people(lin):
    bot = person("ou_b").bot
    assert listed(signed_in(lin), bot__id__exact=str(bot.pk)) == ["ou_b"]


def test_list_takes_as_many_queries_for_many_people_as_for_one(lin):
    browser = signed_in(lin)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LIST).status_code == 200
        return len(captured)

    queries()
    one = queries()
    for number in range(5):
        known(person("ou_a").bot, f"ou_{number}", f"on_{number}", name=f"Person {number}")
    assert queries() == one


def test_nobody_known_says_how_people_come(lin):
    Person.objects.all().delete()
    assert 'data-testid="empty"' in text_of(signed_in(lin).get(LIST))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_who_may_change_nothing_is_offered_nothing_that_does(lin, role):
    looking = make_operator(role=role)
    person("ou_a").bot.owners.add(looking)
    html = text_of(signed_in(looking).get(page_of(PAGE, person("ou_a"))))
    assert 'data-testid="at-bot"' in html
    assert 'data-testid="ask"' not in html
    assert ("Salaries" in html) == (role == Role.AUDITOR)


def test_bot_that_is_switched_off_asks_nobody(lin):
    Bot.objects.filter(name="Leave").update(enabled=False)
    approvals, leave = blocks(text_of(signed_in(lin).get(page_of(PAGE, person("ou_a")))))
    assert 'data-testid="ask"' in approvals
    assert 'data-testid="ask"' not in leave
    assert "Switched off" in leave


def test_person_without_union_id_says_why_no_other_bot_is_named(lin):
    alone = known(person("ou_a").bot, "ou_li", "", name="李雷")
    html = text_of(signed_in(lin).get(page_of(PAGE, alone)))
    assert len(blocks(html)) == 1
    assert 'data-testid="no-union-id"' in html


def test_people_of_deleted_bots_are_nobodys(lin, as_superuser):
    gone = person("ou_c")
    Bot.objects.filter(pk=gone.bot_id).update(deleted_at=timezone.now() - timedelta(minutes=1))
    assert as_superuser.get(page_of(PAGE, gone)).status_code == 404
    assert "Salaries" not in text_of(as_superuser.get(page_of(PAGE, person("ou_a"))))


def test_pages_that_name_a_person_lead_there(lin):
    one = person("ou_b")
    grant: Any = make_grant(one.bot, open_id="ou_b")
    event = make_event(one.bot, open_id="ou_b")
    browser, link = signed_in(lin), f'href="{page_of(PAGE, one)}"'
    for page in (
        page_of("auth_sessions_usertoken", grant),
        page_of("events_event", event),
        list_of("events_event"),
    ):
        assert link in text_of(browser.get(page)), page
    # There the row's own link stands around the name.
    assert link not in text_of(browser.get(list_of("auth_sessions_usertoken")))
