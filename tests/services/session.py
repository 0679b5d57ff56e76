"""The servers one test session uses, and the environment that points the portal at them."""

import os
import shutil
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.services import postgresql, redis_server
from tests.services.failure import ServiceError
from tests.services.servers import temporary_directory

NONE = "none"
DATABASES = ("postgres", "sqlite", NONE)
# With TEST_DATABASE=none nothing is started: whatever connects is refused at once.
NO_DATABASE_URL = "postgres://nobody@127.0.0.1:1/none"
NO_REDIS_URL = "redis://127.0.0.1:1/0"
# Fixed, so that a value in a failure report can be looked up; they guard nothing.
SECRETS = {
    "SECRET_KEY": "the-secret-key-of-the-test-suite-is-known-to-everyone-0123456789",
    "ENCRYPTION_KEYS": "dGhlLWZlcm5ldC1rZXktb2YtdGhlLXRlc3Qtc3VpdGU=",
}


class Services:
    """A database and a Redis: those named in the environment, else our own, or neither with TEST_DATABASE=none.

    Redis runs from ``start()`` on, PostgreSQL only once a test touches the database: most tests do not.
    """

    VARIABLES = ("TEST_DATABASE", "DATABASE_URL", "REDIS_URL")

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.database = environ.get("TEST_DATABASE", "postgres")
        # Whether this session takes only its part of the suite; tests/services/plugin.py has the parts.
        self.selects = "TEST_DATABASE" in environ
        if self.database not in DATABASES:
            raise ServiceError(f"TEST_DATABASE is {self.database!r}; it can be postgres, sqlite or none.")
        given = environ.get("DATABASE_URL", "") if self.database == "postgres" else ""
        if given and not urlsplit(given).scheme.startswith("postgres"):
            raise ServiceError("DATABASE_URL is not PostgreSQL. For SQLite set TEST_DATABASE=sqlite instead.")
        self._postgresql = None
        if self.database == "postgres" and not given:
            self._postgresql = postgresql.PostgreSQL(postgresql.find_programs())
        self._given_redis_url = NO_REDIS_URL if self.starts_nothing else environ.get("REDIS_URL", "")
        self._redis = None if self._given_redis_url else redis_server.Redis(redis_server.find_program())
        self.directory = temporary_directory()
        embedded = NO_DATABASE_URL if self.starts_nothing else f"sqlite:///{self.directory}/portal.sqlite3"
        self.database_url = self._postgresql.url if self._postgresql else given or embedded

    @property
    def starts_nothing(self) -> bool:
        """Whether this session is for the tests that touch neither database nor Redis nor processes nor browser."""
        return self.database == NONE

    @property
    def owns_database(self) -> bool:
        """Whether the database goes when this session ends."""
        return self.database in {"sqlite", NONE} or self._postgresql is not None

    @property
    def redis_url(self) -> str:
        return self._redis.url if self._redis else self._given_redis_url

    @property
    def description(self) -> str:
        if self.starts_nothing:
            return "services: none"
        database = self._postgresql.description if self._postgresql else self.database
        return f"services: {database}, {self._redis.description if self._redis else 'Redis of REDIS_URL'}"

    def start(self) -> None:
        if self._redis:
            self._redis.start()

    def start_database(self) -> None:
        """May be called often. Raises ServiceError when the server does not start."""
        if self._postgresql:
            self._postgresql.start()

    def stop(self) -> None:
        """Stops what was started and removes every trace. May be called twice."""
        for server in (self._postgresql, self._redis):
            if server:
                server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def settings(self) -> dict[str, str]:
        """The environment under which the portal is tested in this process: a production one, but for its keys."""
        return SECRETS | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DEBUG": "off",
            "PUBLIC_URL": "http://portal.test",
            "FEISHU_PLATFORM_NETWORKS": "public,private,loopback",  # the sandbox's and other stand-ins
            "DATA_DIR": str(self.directory / "data"),
            "ENV_FILE": os.devnull,
        }


def replace_environment(values: Mapping[str, str]) -> None:
    """Sets ``values`` and takes away whatever else the portal would read: a test sees no developer's settings."""
    from feishu_portal.settings_table import SettingsTable  # noqa: PLC0415 -- benchmarks use this module without Celery

    for variable in SettingsTable.variables():
        os.environ.pop(variable.name, None)
        os.environ.pop(f"{variable.name}_FILE", None)
    os.environ.update(values)
