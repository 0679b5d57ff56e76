import pytest

from bots.enums import PlatformName
from bots.models import Bot, Person
from bots.people.across_bots import at_all_bots, identity_of, once_each, people_with_id
from bots.people.directory import remember, remember_known
from feishu.people import Profile
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def known(bot: Bot, open_id: str, union_id: str = "on_wang", **said: str) -> Person:
    remember(bot, [Profile(open_id, union_id, **said)])
    return Person.objects.select_related("bot").get(bot=bot, open_id=open_id)


def test_all_bots_know_a_person_by_the_union_id_in_one_query(django_assert_num_queries):
    first, second = known(make_bot(name="B"), "ou_1"), known(make_bot(name="A"), "ou_2")
    other, nameless = known(make_bot(), "ou_3", "on_li"), known(make_bot(), "ou_1", "")
    with django_assert_num_queries(1):
        found = at_all_bots([first, other, nameless], among=Person.objects.all())
    assert found == {first.pk: [second, first], other.pk: [other], nameless.pk: [nameless]}


def test_stranger_sees_the_own_bots_alone():
    bot, owner = make_bot(), make_operator()
    bot.owners.add(owner)
    mine = known(bot, "ou_1")
    known(make_bot(), "ou_2")
    assert at_all_bots([mine], among=Person.objects.visible_to(owner)) == {mine.pk: [mine]}


def test_deleted_bots_know_nobody():
    mine, gone = known(make_bot(), "ou_1"), known(make_bot(), "ou_2")
    Bot.objects.filter(pk=gone.bot_id).update(deleted_at=gone.updated_at)
    assert at_all_bots([mine], among=Person.objects.all()) == {mine.pk: [mine]}


@pytest.mark.parametrize(
    "other",
    [
        {"open_url": "http://platform.other", "accounts_url": "http://platform.other"},
        {"platform": PlatformName.FEISHU},
        {"platform": PlatformName.LARK},
    ],
)
def test_another_platform_may_name_any_union_id(other):
    here, there = known(make_bot(), "ou_1"), known(make_bot(**other), "ou_2")
    assert identity_of(here) != identity_of(there)
    assert at_all_bots([here], among=Person.objects.all()) == {here.pk: [here]}
    assert set(once_each(Person.objects.all())) == {here, there}


def test_person_is_listed_once():
    first, _second = known(make_bot(), "ou_1"), known(make_bot(), "ou_2")
    nameless, also = known(make_bot(), "ou_3", ""), known(make_bot(), "ou_4", "")
    assert set(once_each(Person.objects.all())) == {first, nameless, also}
    # Where the first one is not among those that were found, the second one is.
    assert once_each(Person.objects.exclude(pk=first.pk)).count() == 3


@pytest.mark.parametrize("text", ["ou_1", "on_wang", "Wang@company.test"])
def test_person_is_found_by_id(text):
    wang = known(make_bot(), "ou_1", email="wang@Company.test", name="王芳")
    known(make_bot(), "ou_2", "on_li", email="wang@company.test.example")
    assert list(people_with_id(text, among=Person.objects.all())) == [wang]
    assert not people_with_id(text[:-1], among=Person.objects.all())


def test_event_tells_a_name_and_no_union_id():
    bot = make_bot()
    known(bot, "ou_1", "on_wang", name="王芳")
    remember_known(bot, Profile("ou_1", "on_somebody", "王方"))
    person = Person.objects.get()
    assert (person.name, person.union_id) == ("王方", "on_wang")
