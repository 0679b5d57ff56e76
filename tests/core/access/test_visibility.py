"""Whose rows an operator may see."""

import pytest

from auth_sessions.models import UserToken
from bots.models import Bot
from tests.factories import make_bot, make_grant, make_operator

pytestmark = pytest.mark.django_db


def test_operator_sees_the_rows_of_the_own_bots_a_superuser_all_and_a_stranger_none(
    django_assert_num_queries,
) -> None:
    owner, stranger, root = make_operator(), make_operator(), make_operator(superuser=True)
    mine, theirs = make_grant(make_bot()), make_grant(make_bot())
    mine.bot.owners.add(owner)
    with django_assert_num_queries(2):
        assert list(UserToken.objects.visible_to(owner)) == [mine]
    assert list(UserToken.objects.visible_to(stranger)) == []
    with django_assert_num_queries(1):
        assert set(UserToken.objects.visible_to(root)) == {mine, theirs}


def test_bot_is_seen_by_its_owners() -> None:
    owner, other, stranger = make_operator(), make_operator(), make_operator()
    bot, _theirs = make_bot(), make_bot()
    bot.owners.add(owner, other)
    assert list(Bot.objects.visible_to(owner)) == list(Bot.objects.visible_to(other)) == [bot]
    assert list(Bot.objects.visible_to(stranger)) == []


def test_rights_to_see_are_those_of_now() -> None:
    owner, grant = make_operator(), make_grant(make_bot())
    grant.bot.owners.add(owner)
    rows = UserToken.objects.filter(pk=grant.pk)
    assert rows.visible_to(owner).exists()
    grant.bot.owners.clear()
    assert not rows.visible_to(owner).exists()
