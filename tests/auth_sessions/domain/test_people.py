import pytest

from auth_sessions.domain.people import find_person, grants_of, people_named
from auth_sessions.errors import PersonUnknownError, SeveralPeopleError
from auth_sessions.models import UserToken
from bots.models import Bot, Person
from bots.people.directory import remember
from feishu.people import Profile
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


def known(bot: Bot, open_id: str, union_id: str = "on_lilei") -> Person:
    remember(bot, [Profile(open_id, union_id)])
    return Person.objects.select_related("bot").get(bot=bot, open_id=open_id)


def test_person_is_found_among_the_bots_that_are_asked_about():
    mine, other = known(make_bot(), "ou_1"), known(make_bot(), "ou_2")
    bots = Bot.objects.filter(pk=mine.bot_id)
    assert find_person("on_lilei", bots=bots) == [mine]
    assert set(find_person("ou_1", bots=Bot.objects.all())) == {mine, other}
    with pytest.raises(PersonUnknownError):
        find_person("ou_2", bots=bots)


def test_one_union_id_of_two_platforms_is_two_people():
    known(make_bot(), "ou_1")
    known(make_bot(open_url="http://other.test", accounts_url="http://other.test"), "ou_2")
    with pytest.raises(SeveralPeopleError):
        find_person("on_lilei", bots=Bot.objects.all())


def test_user_id_leads_from_the_grant_to_the_person():
    person = known(make_bot(), "ou_1")
    make_grant(person.bot, open_id="ou_1", user_id="u1001")
    assert people_named("u1001", among=Person.objects.all(), grants=UserToken.objects.all()) == [person]


def test_grants_are_those_of_the_very_bot(django_assert_num_queries):
    first, second = known(make_bot(), "ou_1"), known(make_bot(), "ou_2")
    grant = make_grant(first.bot, open_id="ou_1")
    make_grant(second.bot, open_id="ou_1")
    with django_assert_num_queries(1):
        granted = grants_of([first, second])
    assert granted == {(first.bot_id, "ou_1"): [grant], (second.bot_id, "ou_2"): []}
