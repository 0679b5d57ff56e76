import pytest

from bots.models import Person
from bots.people.directory import KnownPerson, names_of, people_called, remember, remember_known
from feishu.people import Profile
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

WANG = Profile("ou_wang", "on_wang", "王芳", "Fang Wang", "Fang@company.test", "https://pictures.test/72")


def test_names_of_many_take_one_query(django_assert_num_queries):
    bot, other = make_bot(), make_bot()
    remember(bot, [WANG, Profile("ou_li", name="李雷")])
    remember(other, [Profile("ou_wang", name="Somebody else")])
    refs = [(bot.pk, "ou_wang"), (bot.pk, "ou_li"), (other.pk, "ou_li"), (bot.pk, "ou_nobody"), (bot.pk, "")]
    with django_assert_num_queries(1):
        names = names_of(refs)
    assert names == {
        (bot.pk, "ou_wang"): KnownPerson("ou_wang", "王芳", "Fang Wang", "fang@company.test"),
        (bot.pk, "ou_li"): KnownPerson("ou_li", "李雷"),
    }


def test_nobody_takes_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert names_of([]) == names_of([(make_bot, "")]) == {}


def test_person_is_called_by_the_language_of_the_page():
    both, chinese = KnownPerson("ou_1", "王芳", "Fang Wang"), KnownPerson("ou_2", "王芳")
    assert (both.called("zh-hans"), both.called("en")) == ("王芳", "Fang Wang")
    assert (chinese.called("en"), KnownPerson("ou_3", "", "Fang").called("zh-hans")) == ("王芳", "Fang")


@pytest.mark.parametrize(
    "typed", ["王", "芳", "王芳", "FANG", "wang", "ｆａｎｇ", "fang@company", "company.test"]
)
def test_people_are_found_by_what_their_name_or_address_begins_with(typed):
    bot = make_bot()
    remember(bot, [WANG, Profile("ou_li", name="李雷")])
    assert [person.open_id for person in people_called(typed, among=Person.objects.all())] == ["ou_wang"]


@pytest.mark.parametrize("typed", ["", " ", "ang", "王雷", "%", "_"])
def test_others_are_not_found(typed):
    remember(make_bot(), [WANG])
    assert people_called(typed, among=Person.objects.all()) == []


def test_stranger_finds_nobody():
    bot = make_bot()
    remember(bot, [WANG])
    assert people_called("王", among=Person.objects.visible_to(make_operator())) == []
    owner = make_operator()
    bot.owners.add(owner)
    assert len(people_called("王", among=Person.objects.visible_to(owner))) == 1


def test_a_new_name_takes_the_place_of_the_old_one():
    bot = make_bot()
    remember(bot, [WANG])
    remember(bot, [Profile("ou_wang", name="王方", en_name="Fang Wang")])
    everybody = Person.objects.all()
    assert not people_called("芳", among=everybody)
    assert [person.name for person in people_called("方", among=everybody)] == ["王方"]


def test_what_an_answer_leaves_out_stays_known():
    bot = make_bot()
    remember(bot, [WANG])
    remember(bot, [Profile("ou_wang")])
    person = Person.objects.get()
    assert (person.name, person.email, person.union_id) == ("王芳", "fang@company.test", "on_wang")


def test_text_that_no_column_takes_is_cut():
    remember(make_bot(), [Profile("ou_1", name="a\x00" * 500, email="é" * 500)])
    assert len(Person.objects.get().name) == 200


def test_event_about_somebody_unknown_adds_nobody():
    bot = make_bot()
    remember_known(bot, WANG)
    assert not Person.objects.exists()
    remember(bot, [Profile("ou_wang")])
    remember_known(bot, WANG)
    assert Person.objects.get().name == "王芳"
