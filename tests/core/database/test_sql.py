import uuid

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bots.models import Bot, Person, PersonKey
from core.access.models import SignInAttempts
from core.database.sql import ask, ask_at_once, insert, locked, marks, run, uuid_of, with_rows
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def test_values_are_bound_and_rows_come_back():
    first, second = make_bot(name="first"), make_bot(name="it's %s")

    found = ask("SELECT id, name FROM bots_bot WHERE name = %s", [second.name])

    assert [(uuid_of(pk), name) for pk, name in found] == [(second.pk, second.name)]
    assert ask("SELECT name FROM bots_bot WHERE id = %s", [first.pk]) == [("first",)]


def test_running_says_how_many_rows_were_touched():
    make_bot()
    make_bot()

    assert run("UPDATE bots_bot SET name = %s", ["renamed"]) == 2
    assert run("UPDATE bots_bot SET name = %s WHERE id = %s", ["nobody", uuid.uuid4()]) == 0
    assert set(Bot.objects.values_list("name", flat=True)) == {"renamed"}


def test_moment_is_stored_as_the_orm_reads_it():
    attempts, moment = SignInAttempts.objects.create(subject="name:lin"), timezone.now()

    run("UPDATE access_signinattempts SET last_at = %s WHERE subject = %s", [moment, attempts.pk])

    assert SignInAttempts.objects.get().last_at == moment


def test_marks_are_as_many_as_values_and_match_nothing_without_any():
    bots = [make_bot(), make_bot()]

    for chosen in ([bot.pk for bot in bots], [bots[0].pk], []):
        found = ask(f"SELECT id FROM bots_bot WHERE id IN ({marks(chosen)})", chosen)
        assert {uuid_of(pk) for (pk,) in found} == set(chosen)


def test_locking_clause_is_one_that_the_database_knows():
    bot = make_bot()
    with transaction.atomic():
        assert len(ask(f"SELECT id FROM bots_bot WHERE id = %s {locked()}", [bot.pk])) == 1


@pytest.mark.only_on("postgres")
def test_values_are_sent_beside_the_text_so_that_the_statement_is_planned_once():
    marker = f"test_{uuid.uuid4().hex}"
    for number in range(10):
        ask(f"SELECT %s::int AS {marker}", [number])

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{marker}%"])
        # This very question holds the marker as a value of its own text.
        assert cursor.fetchone()[0] >= 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_are_a_table_however_many_there_are(count):
    rows = [(number, None if number else "it's %s", uuid.uuid4()) for number in range(count)]
    given, values = with_rows({"number": "int8", "word": "text", "key": "uuid"}, rows, "given")

    found = ask(f"WITH {given} SELECT number, word, key FROM given ORDER BY number", values)
    assert [(number, word, uuid_of(key)) for number, word, key in found] == rows


def test_rows_of_numbers_and_texts_come_at_once_as_they_are():
    names = ["first", 'it\'s "second"', "第三"]
    for number, name in enumerate(names):
        make_bot(name=name, handlers_per_second=number)
    select = "SELECT name, handlers_per_second FROM bots_bot WHERE name <> %s"
    assert sorted(ask_at_once(select, ["nobody"], ("name", "handlers_per_second"))) == sorted(
        zip(names, range(3), strict=True)
    )
    assert ask_at_once(f"{select} AND 1 = 2", ["nobody"], ("name", "handlers_per_second")) == []


def test_inserting_tells_the_keys_of_the_new_rows():
    person = Person.objects.create(bot=make_bot(), open_id="ou_lin")
    PersonKey.objects.create(person=person, key="before")
    with transaction.atomic():
        given, values = with_rows({"key": "text"}, [("lin",), ("xia",)], "given")
        rows = insert(
            f"WITH {given} INSERT INTO bots_personkey (person_id, key) SELECT %s, key FROM given",
            [*values, person.pk],
            table="bots_personkey",
            returning=("id", "key"),
        )
    assert sorted(rows) == sorted(PersonKey.objects.exclude(key="before").values_list("pk", "key"))
