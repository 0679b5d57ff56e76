"""The pytest plugin behind every run; ``addopts`` loads it, for Django's settings are read before any conftest.

Three runs are the whole suite: ``TEST_DATABASE=none`` takes what touches neither a database nor Redis nor processes nor
a browser, and starts no server; ``TEST_DATABASE=postgres`` takes all the others; ``TEST_DATABASE=sqlite`` takes once more
what touches a database. Where the shell says nothing, one run on PostgreSQL takes everything.
With ``-n`` each worker of pytest-xdist has servers of its own, like a session without.
"""

import asyncio
import atexit
import gc
import json
import os
import signal
import sys
from collections.abc import Generator, Mapping

import httpx2
import pytest

from feishu_portal import catalogue
from tests.services import measuring
from tests.services.failure import ServiceError
from tests.services.redis_server import with_database
from tests.services.session import Services, replace_environment

# respx, which pytest loads after this plugin, imports httpx.
httpx2.alias_httpx()

SERVICES = pytest.StashKey[Services]()
# With any of these in its closure a test touches a database.
DATABASE_FIXTURES = {"db", "transactional_db", "database_url"}
SLOW = ("processes", "browser")
# With any of these a test needs something outside its own process.
OUTSIDE_FIXTURES = DATABASE_FIXTURES | {"redis_url", "managed_process", "chromium", "browser"}
# What the shell says of servers, for workers: they inherit an environment in which ours have taken its place.
SHELL = "TEST_SERVICES"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """A wrapper runs before pytest-django's own implementation, which loads the settings."""
    arguments = early_config.known_args_namespace
    if arguments.help or arguments.version:
        yield
        return
    if not catalogue.is_compiled():
        catalogue.compile_catalogue()
    # A terminated run ends like an interrupted one: in order, and leaving no server behind. A shell that runs tests in
    # the background ignores SIGINT, and every process under test would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        services = Services(named_in_the_shell())
        atexit.register(services.stop)
        services.start()
    except ServiceError as error:
        raise pytest.UsageError(str(error)) from None
    early_config.stash[SERVICES] = services
    replace_environment(services.settings())
    yield


def named_in_the_shell() -> Mapping[str, str]:
    """The variables that choose the servers, as the shell set them."""
    if SHELL not in os.environ:
        chosen = {name: os.environ[name] for name in Services.VARIABLES if name in os.environ}
        os.environ[SHELL] = json.dumps(chosen)
    variables: dict[str, str] = json.loads(os.environ[SHELL])
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and "REDIS_URL" in variables:
        variables["REDIS_URL"] = with_database(variables["REDIS_URL"], number=int(worker.removeprefix("gw")))
    return variables


def pytest_configure(config: pytest.Config) -> None:
    """A database on a server of our own ends with the server: dropping it would only wait for whoever is connected."""
    # Else Python 3.11 makes an event loop when pytest-asyncio asks which one it has to put back, and nobody closes it.
    asyncio.set_event_loop(None)
    if SERVICES in config.stash and config.stash[SERVICES].owns_database:
        config.option.reuse_db = True


def pytest_report_header(config: pytest.Config) -> str:
    return config.stash[SERVICES].description


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    services = config.stash[SERVICES]
    for item in items:
        only = item.get_closest_marker("only_on")
        if only and only.args != (services.database,):
            item.add_marker(pytest.mark.skip(reason=f"is about {only.args[0]}"))
    if services.selects:
        wanted = SELECTIONS[services.database]
        config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
        items[:] = [item for item in items if wanted(item)]
    items[:] = dealt(items, hands=getattr(config, "workerinput", {}).get("workercount", 1))


def dealt(items: list[pytest.Item], *, hands: int) -> list[pytest.Item]:
    """The items in as many runs as there are workers, the slow modules spread over the beginnings of the runs.

    pytest-xdist gives each worker an equal run and lets who is done steal from the ends of others. So what waits for
    processes begins early, beside what computes, and no worker is left alone with all of it.
    """
    modules: dict[str, list[pytest.Item]] = {}
    others: list[pytest.Item] = []
    for item in items:
        slow = any(item.get_closest_marker(name) for name in SLOW) and not item.get_closest_marker("skip")
        (modules.setdefault(item.nodeid.partition("::")[0], []) if slow else others).append(item)
    runs: list[list[pytest.Item]] = [[] for _ in range(hands)]
    for module in sorted(modules.values(), key=len, reverse=True):
        min(runs, key=len).extend(module)
    left = len(items)
    for number, run in enumerate(runs):
        share = left // (hands - number)
        left -= share
        room = max(0, share - len(run))
        run.extend(others[:room])
        del others[:room]
    return [item for run in runs for item in run] + others


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    with measuring.once(item.nodeid.partition("[")[0]):
        return (yield)


def pytest_collection_finish() -> None:
    """Collections of garbage need not look again and again at the modules and thousands of items that stay."""
    gc.freeze()


def touches_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(fixtures)


def touches_nothing_outside(item: pytest.Item) -> bool:
    """Whether the test stays within its own process. One whose fixtures do not tell has the marker ``processes``."""
    return not (
        touches_database(item)
        or OUTSIDE_FIXTURES & set(getattr(item, "fixturenames", ()))
        or any(item.get_closest_marker(name) for name in SLOW)
    )


def touches_something_outside(item: pytest.Item) -> bool:
    return not touches_nothing_outside(item)


SELECTIONS = {
    "none": touches_nothing_outside,
    "postgres": touches_something_outside,
    "sqlite": touches_database,
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half a surrogate pair in a log that was captured does not pass from a worker to its controller."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Who asks for a part of the suite may have asked for nothing that one of the three runs takes."""
    nothing = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing and session.config.stash[SERVICES].selects:
        session.exitstatus = pytest.ExitCode.OK


def pytest_unconfigure(config: pytest.Config) -> None:
    if client := sys.modules.get("lark_oapi.ws.client"):
        client.loop.close()  # the official SDK makes one when it is imported, and closes it never
    if SERVICES in config.stash:
        config.stash[SERVICES].stop()
