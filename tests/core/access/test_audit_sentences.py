"""Entries say who did what to which thing, and what was before."""

import pytest
from django.contrib import admin
from django.utils.translation import override

from bots.models import Person
from core.access import audit
from core.access.actors import ANONYMOUS, SYSTEM, Actor
from core.access.audit_sentences import in_words
from core.access.models import AuditEntry
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    admin.autodiscover()
    with override("en"):
        yield


def words_of(entry: AuditEntry):
    [words] = in_words([entry])
    return words


def test_operator_and_bot_are_named():
    bot = make_bot(name="Tickets")
    entry = audit.record(
        actor=Actor.operator(make_operator("lin")), action="bot.updated", bot=bot, target=bot.name
    )
    assert words_of(entry).sentence == "lin changed the bot “Tickets”"
    assert words_of(entry).bot == "Tickets"
    with override("zh-hans"):
        assert words_of(entry).sentence == "lin 修改了机器人“Tickets”"


def test_changes_are_named_as_on_the_form_with_the_values_before_and_after():
    before, after = make_bot(name="Tickets"), make_bot(name="CRM")
    after.enabled = False
    detail = audit.changes(before, after, ["name", "enabled", "app_secret", "open_url"])
    entry = audit.record(actor=SYSTEM, action="bot.updated", bot=after, target=after.name, **detail)
    assert words_of(entry).changes == (
        "App Secret",
        "Enabled: Yes → No",
        "Name: Tickets → CRM",
        "OpenAPI address",
    )


def test_who_is_not_signed_in_is_called_so_in_both_languages():
    entry = audit.record(actor=ANONYMOUS, action="operator.second_factor_failed", target="lin")
    assert words_of(entry).sentence == "Somebody not signed in: wrong second factor at sign-in for “lin”"
    with override("zh-hans"):
        assert words_of(entry).sentence == "未登录的访问者 以“lin”登录时两步验证失败"


def test_person_is_called_by_name():
    bot = make_bot()
    Person.objects.create(bot=bot, open_id="ou_wang", name="王芳", en_name="Wang Fang")
    entry = audit.record(
        actor=Actor.user("ou_wang"), action="auth_session.authorized", bot=bot, target="ou_wang"
    )
    assert words_of(entry).sentence == "“Wang Fang” gave the authorization"
    assert (words_of(entry).actor, words_of(entry).target) == (
        "User · Wang Fang (ou_wang)",
        "Wang Fang (ou_wang)",
    )
    with override("zh-hans"):
        assert words_of(entry).sentence == "“王芳”完成了授权"


@pytest.mark.parametrize(
    ("actor", "said", "chinese"),
    [
        ("ou_wang", "Wang Fang asked to authorize the bot", "王芳 发起了授权"),
        ("ou_other", "ou_other asked “Wang Fang” for an authorization", "ou_other 向“王芳”发起授权"),
    ],
)
def test_what_a_person_does_for_themself_names_them_once(actor, said, chinese):
    bot = make_bot()
    Person.objects.create(bot=bot, open_id="ou_wang", name="王芳", en_name="Wang Fang")
    entry = audit.record(actor=Actor.user(actor), action="auth_session.created", bot=bot, target="ou_wang")
    assert words_of(entry).sentence == said
    with override("zh-hans"):
        assert words_of(entry).sentence == chinese


def test_unknown_action_and_odd_detail_are_shown_as_they_are():
    entry = audit.record(
        actor=Actor.command("addbot"), action="bot.flown", target="x", changed=[["a"], 1], values=[1]
    )
    assert words_of(entry).sentence == "Command · addbot bot.flown x"
    assert words_of(entry).changes == ("['a']", "1")


def test_many_entries_take_few_queries(django_assert_max_num_queries):
    bots = [make_bot() for _ in range(5)]
    entries = [
        audit.record(actor=Actor.user(f"ou_{bot.pk}"), action="user_token.revoked", bot=bot, target="ou_x")
        for bot in bots
    ]
    with django_assert_max_num_queries(2):
        assert len(in_words(entries)) == 5
