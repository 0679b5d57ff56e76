import pytest
from django.db import connection

from bots.models import Person, PersonKey
from core.database.prefixes import starting_with
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    return Person.objects.create(bot=make_bot(), open_id="ou_1")


@pytest.mark.parametrize("beginning", ["li", "li lei", "王", "王芳", "50%", "a_b", "\\"])
def test_beginning_is_found_letter_by_letter(person, beginning):
    wanted = PersonKey.objects.create(person=person, key=f"{beginning} and more")
    for other in ("LI", "芳", "50 and more", "axb", "x"):
        PersonKey.objects.create(person=person, key=other)
    assert PersonKey.objects.get(starting_with("key", beginning)) == wanted


def test_index_finds_it(person):
    PersonKey.objects.bulk_create(PersonKey(person=person, key=f"{number:06}") for number in range(5_000))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {PersonKey._meta.db_table}")
    plan = PersonKey.objects.filter(starting_with("key", "0012")).explain()
    assert "personkey_key" in plan, plan
