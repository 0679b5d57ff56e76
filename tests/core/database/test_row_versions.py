import pytest
from django.db import connection

from bots.models import Bot
from core.database.row_versions import version_in_sql, version_of, with_versions
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def read(bot: Bot) -> str:
    return version_of(with_versions(Bot.objects.filter(pk=bot.pk)).get())


@pytest.mark.only_on("postgres")
def test_version_changes_with_every_write_also_in_one_transaction():
    bot = make_bot()
    versions = [read(bot)]
    for _ in range(3):
        Bot.objects.filter(pk=bot.pk).update(name="the same name")
        versions.append(read(bot))

    assert "" not in versions
    assert len(set(versions)) == len(versions)


@pytest.mark.only_on("postgres")
def test_version_stays_while_nobody_writes_the_row():
    bot = make_bot()
    before = read(bot)
    make_bot()

    assert read(bot) == before


@pytest.mark.only_on("postgres")
def test_version_in_sql_is_the_one_that_was_read():
    bot = make_bot()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {version_in_sql('one')} FROM bots_bot one WHERE id = %s", [bot.pk])
        assert cursor.fetchone() == (read(bot),)


@pytest.mark.only_on("sqlite")
def test_sqlite_numbers_no_versions():
    assert read(make_bot()) == ""


def test_row_that_was_read_without_its_version_has_none():
    assert version_of(Bot.objects.get(pk=make_bot().pk)) == ""
