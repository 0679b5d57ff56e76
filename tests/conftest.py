"""Fixtures for every test: the session's database and Redis, processes, the browser."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from structlog.contextvars import clear_contextvars

from core.background.stopping import stopping
from feishu.platform_clock import PlatformClock, platform_clock
from tests.services import chromium as chromium_program
from tests.services import leak_watch
from tests.services.databases import DatabaseCopies
from tests.services.leaks import LogWatch, Watch
from tests.services.plugin import SERVICES
from tests.services.processes import ProcessStarter
from tests.services.session import Services

if TYPE_CHECKING:
    from tests.services.traces import Traces

# How long an example takes says more about the machine than about the code.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Services:
    return pytestconfig.stash[SERVICES]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: Services) -> None:
    """pytest-django asks for this before it makes the test database: the moment to start the server."""
    services.start_database()
    if services.database == "sqlite":
        # In a file, as in production: a database in memory locks differently.
        settings = connections.settings["default"]
        settings["TEST"]["NAME"] = str(services.directory / "test.sqlite3")
        # Nothing in it outlives the session.
        settings["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"


@pytest.fixture(autouse=True)
def nothing_known_of_other_tests() -> None:
    """What answers have said of the platform's clock, what log lines say of the work under way, and that a server was asked to
    end, is forgotten."""
    PlatformClock.__init__(platform_clock)
    clear_contextvars()
    stopping.is_asked = False


@pytest.fixture(scope="session", autouse=True)
def few_tables_are_emptied() -> Iterator[None]:
    from tests.services.emptying import empty_tables  # noqa: PLC0415 -- models are there only now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session")
def ears() -> LogWatch:
    return leak_watch.install()


@pytest.fixture(autouse=True)
def leaks(ears: LogWatch) -> Iterator[Watch]:
    """What the test makes the portal keep secret and say. A secret in a place where it does not belong fails the test."""
    ears.watch = watch = Watch()
    yield watch
    if found := watch.leaks():
        pytest.fail("Secrets where they do not belong:\n" + "\n".join(found), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def active_portal() -> None:
    """The tests' database is nobody's copy, and no statement is spent on finding out. Tests of the passive portal unpin it."""
    from core.installation.state import ACTIVE  # noqa: PLC0415 -- models are there only now
    from core.installation.watch import watch  # noqa: PLC0415 -- see above

    watch.pin(ACTIVE)


@pytest.fixture
def passive_portal() -> Iterator[None]:
    """The database of this process is a copy."""
    from core.installation.state import ACTIVE, Cause, PortalState  # noqa: PLC0415 -- models are there only now
    from core.installation.watch import watch  # noqa: PLC0415 -- see above

    watch.pin(PortalState(Cause.PLACE))
    yield
    watch.pin(ACTIVE)


@pytest.fixture(autouse=True, scope="session")
def own_turns() -> None:
    """Messages of this process wait for none of another's: tests share a Redis, and some have none."""
    from functools import partial  # noqa: PLC0415 -- for this alone

    from bots.sending.pacing import ChatQueues, in_turn  # noqa: PLC0415 -- after Django is set up
    from feishu.turns import pace_by  # noqa: PLC0415 -- see above

    pace_by(partial(in_turn, queues=ChatQueues()))


@pytest.fixture(autouse=True)
def no_worker_is_left_behind() -> Iterator[None]:
    """It would take the events of the tests that follow, and keep their rows locked."""
    from events.handling import worker  # noqa: PLC0415 -- after Django is set up
    from events.subscriptions import pusher  # noqa: PLC0415 -- see above

    yield
    if left := {"handler-worker", "pusher"} & {thread.name for thread in threading.enumerate()}:
        worker.stop_current()
        pusher.stop_current()
        pytest.fail(f"Left running: {', '.join(sorted(left))}", pytrace=False)


@pytest.fixture(autouse=True)
def language_of_the_settings() -> None:
    """A request leaves its language behind in the thread."""
    translation.deactivate()


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


@pytest.fixture(scope="session")
def database_copies(services: Services) -> Iterator[DatabaseCopies]:
    copies = DatabaseCopies(services)
    yield copies
    copies.close()


@pytest.fixture
def database_url(database_copies: DatabaseCopies) -> Iterator[str]:
    """A migrated database for the processes of one test. In this process, use pytest-django's ``db`` instead."""
    url = database_copies.create()
    yield url
    database_copies.drop(url)


@pytest.fixture
def managed_process(tmp_path: Path, request: pytest.FixtureRequest, leaks: Watch) -> Iterator[ProcessStarter]:
    """Starts processes that end with the test; a traceback, one of ``.secrets`` or any other secret of the test in their
    output fails it, and one of ``.secrets`` in their answers.

    A test that has a database or a sandbox gets it first, whatever the order of its arguments: so it outlives the last
    process.
    """
    for outliving in ("database_url", "sandbox"):
        if outliving in request.fixturenames:
            request.getfixturevalue(outliving)
    starter = ProcessStarter(tmp_path)
    yield starter
    for secret in starter.secrets:
        leaks.keep(secret, "secret of the processes")
    starter.secrets |= leaks.secrets.keys()
    if complaints := starter.close():
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    path = chromium_program.find()
    if path is None:
        (pytest.fail if chromium_program.is_required() else pytest.skip)(chromium_program.MISSING)
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a module of tests, and no longer.

    While it is open, Playwright's event loop runs in this thread: Django refuses the ORM and no async test can run. So
    a module that uses it starts the portal with ``managed_process`` and looks at it from outside.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(chromium_program.ARGUMENTS))
        new_context = opened.new_context

        def patient_context(**options: Any) -> BrowserContext:
            context = new_context(**options)
            context.set_default_timeout(chromium_program.PATIENCE)
            return context

        opened.new_context = patient_context  # type: ignore[method-assign]
        expect.set_options(timeout=chromium_program.PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def own_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics with room for every label: what other tests of the process counted takes up none of it."""
    from bots import metrics as bot_metrics  # noqa: PLC0415 -- Django is set up only now
    from core.metrics.labels import BoundedLabels  # noqa: PLC0415 -- see above
    from events import metrics as event_metrics  # noqa: PLC0415 -- see above

    for name in ("_types", "_series", "_handlers"):
        bound = getattr(event_metrics, name)
        monkeypatch.setattr(event_metrics, name, BoundedLabels(bound.most))
    monkeypatch.setattr(bot_metrics, "_names", {})
    for name in ("_apis", "_series"):
        bound = getattr(bot_metrics, name)
        monkeypatch.setattr(bot_metrics, name, BoundedLabels(bound.most))
    event_metrics._received_of.cache_clear()


@pytest.fixture
def traces() -> Iterator["Traces"]:
    """What is traced during the test."""
    from tests.services.traces import Traces  # noqa: PLC0415 -- OpenTelemetry takes a while to load

    kept = Traces()
    yield kept
    kept.close()
