"""The place of real databases that were dumped, restored, cloned, renamed and rewritten by PostgreSQL's own programs."""

import shutil
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg
import pytest
from psycopg import sql

from core.installation.place import QUERY
from tests.services.postgresql import find_programs


class Postgres:
    """Databases on the server of the session."""

    def __init__(self, copies, directory: Path) -> None:
        self.copies = copies
        self._directory = directory

    def connect(self, url: str, **options) -> psycopg.Connection:
        to = environ.Env.db_url_config(url)
        return psycopg.connect(
            host=to["HOST"],
            port=to["PORT"] or None,
            user=to["USER"],
            password=to["PASSWORD"] or None,
            dbname=to["NAME"],
            autocommit=True,
            **options,
        )

    def execute(self, url: str, statement: str | sql.Composed) -> None:
        with self.connect(url) as connection:
            connection.execute(statement)

    def place(self, url: str) -> str:
        with self.connect(url) as connection:
            return connection.execute(QUERY).fetchone()[0]

    def dump(self, url: str, *arguments: str) -> Path:
        file = self._directory / "dump"
        self._run("pg_dump", url, "--format=custom", f"--file={file}", *arguments)
        return file

    def restore(self, file: Path, url: str, *arguments: str) -> None:
        self._run("pg_restore", url, "--no-owner", *arguments, str(file))

    def _run(self, program: str, url: str, *arguments: str) -> None:
        to = environ.Env.db_url_config(url)
        path = find_programs() / program
        if not path.exists():
            pytest.skip(f"{program} is not installed")
        options = [f"--host={to['HOST']}", f"--username={to['USER']}", f"--dbname={to['NAME']}"]
        if to["PORT"]:
            options.append(f"--port={to['PORT']}")
        environment = {"PGPASSWORD": to["PASSWORD"] or "", "PATH": ""}
        subprocess.run([path, *options, *arguments], env=environment, timeout=120, check=True)


@pytest.fixture
def postgres(database_copies, tmp_path) -> Postgres:
    return Postgres(database_copies, tmp_path)


@pytest.mark.only_on("postgres")
class TestPostgreSQL:
    def test_dump_that_is_restored_elsewhere_lies_elsewhere(self, postgres, database_url):
        before = postgres.place(database_url)
        other = postgres.copies.create()
        postgres.restore(postgres.dump(database_url), other, "--clean", "--if-exists")
        places = {before, postgres.place(other)}
        postgres.copies.drop(other)
        assert len(places) == 2

    def test_dump_that_is_restored_over_its_own_database_is_noticed(self, postgres, database_url):
        before = postgres.place(database_url)
        postgres.restore(postgres.dump(database_url), database_url, "--clean", "--if-exists")
        assert postgres.place(database_url) != before

    def test_rows_that_are_restored_into_the_tables_that_are_there_are_noticed(self, postgres, database_url):
        before = postgres.place(database_url)
        file = postgres.dump(database_url, "--data-only", "--table=access_databaseanchor")
        postgres.execute(database_url, "TRUNCATE access_databaseanchor")
        postgres.restore(file, database_url, "--data-only")
        assert postgres.place(database_url) != before

    def test_database_made_with_another_as_template_is_a_copy(self, postgres, database_url):
        other = postgres.copies.restore(database_url)
        places = {postgres.place(database_url), postgres.place(other)}
        postgres.copies.drop(other)
        assert len(places) == 2

    @pytest.mark.parametrize(
        "statement", ["VACUUM FULL", "VACUUM (FREEZE)", "ANALYZE", "REINDEX TABLE access_databaseanchor"]
    )
    def test_maintenance_moves_nothing(self, postgres, database_url, statement):
        before = postgres.place(database_url)
        postgres.execute(database_url, statement)
        assert postgres.place(database_url) == before

    def test_database_that_is_renamed_stays_where_it_is(self, postgres, database_url):
        before = postgres.place(database_url)
        name = urlsplit(database_url).path.rpartition("/")[2]
        server = database_url.removesuffix(name) + "postgres"

        def rename(old: str, new: str) -> None:
            statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            postgres.execute(server, statement.format(sql.Identifier(old), sql.Identifier(new)))

        rename(name, f"{name}_renamed")
        after = postgres.place(f"{database_url}_renamed")
        rename(f"{name}_renamed", name)
        assert after == before

    def test_operator_who_may_only_use_the_tables_sees_the_same_place(self, postgres, database_url):
        role = urlsplit(database_url).path.rpartition("/")[2] + "_user"
        postgres.execute(database_url, f"CREATE ROLE {role}; GRANT SELECT ON access_databaseanchor TO {role}")
        with postgres.connect(database_url) as connection:
            connection.execute(f"SET ROLE {role}")
            seen = connection.execute(QUERY).fetchone()[0]
        postgres.execute(database_url, f"DROP OWNED BY {role}; DROP ROLE {role}")
        assert seen == postgres.place(database_url)


@pytest.mark.only_on("sqlite")
class TestSQLite:
    def file(self, url: str) -> Path:
        return Path(urlsplit(url).path)

    def test_copied_file_lies_elsewhere(self, database_url, tmp_path):
        copy = Path(shutil.copy2(self.file(database_url), tmp_path / "copy.sqlite3"))
        assert copy.stat().st_ino != self.file(database_url).stat().st_ino

    def test_maintenance_moves_nothing(self, database_url):
        before = self.file(database_url).stat().st_ino
        connection = sqlite3.connect(self.file(database_url))
        connection.execute("VACUUM")
        connection.close()
        assert self.file(database_url).stat().st_ino == before
