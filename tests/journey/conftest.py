"""A portal and a sandbox to walk through, in one process and in the five of production."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sandbox.config import DEMO_APP_ID, DEMO_APP_SECRET
from tests.services.databases import DatabaseCopies
from tests.services.platform import SandboxClient
from tests.services.ports import free_port
from tests.services.processes import ProcessStarter
from tests.services.sandboxes import running_sandbox

EMBEDDED = {"PUBLIC_URL": "", "FEISHU_SWEEP_SECONDS": "1", "FEISHU_RECONCILE_SECONDS": "0.5"}
SCOPES = ("offline_access", "auth:user.id:read", "contact:user.base:readonly")


@dataclass(frozen=True)
class Portal:
    """Where a running portal and its sandbox are, and who may sign in."""

    url: str
    sandbox: SandboxClient
    username: str
    password: str


def in_one_process(start: ProcessStarter, database_url: str = "") -> Portal:
    """What ``make run`` runs. With a database that has its schema already, it starts in half the time."""
    port, sandbox_port = free_port(), free_port()
    url = f"http://localhost:{port}"
    process = start(
        "manage.py", "runportal", "--sandbox", "--port", str(port), "--sandbox-port", str(sandbox_port),
        environment=EMBEDDED
        | {"FEISHU_SIGN_IN_BOT": DEMO_APP_ID}
        | ({"DATABASE_URL": database_url} if database_url else {}),
    )  # fmt: skip
    password = process.wait_for(r"password \S+ (\S+)")[1]
    start.secrets.add(DEMO_APP_SECRET)
    return Portal(url, SandboxClient(f"http://localhost:{sandbox_port}"), "admin", password)


def in_one_process_without_a_public_address(
    start: ProcessStarter, database_url: str, sandbox: SandboxClient
) -> Portal:
    """The same on an intranet: no browser comes back to it from the platform, which is elsewhere."""
    port = free_port()
    environment = EMBEDDED | {"DATABASE_URL": database_url}
    sandbox.put_app(DEMO_APP_ID, app_secret=DEMO_APP_SECRET, name="演示", redirect_urls=[], device_interval=1)
    secret = {"FEISHU_APP_SECRET": DEMO_APP_SECRET}
    process = start("manage.py", *add_bot(sandbox), environment=environment | secret)
    assert process.wait_for_exit() == 0, process.output
    start("manage.py", "runportal", "--port", str(port), environment=environment).wait_for("is running")
    start.secrets.add(DEMO_APP_SECRET)
    return Portal(f"http://localhost:{port}", sandbox, "", "")


def add_bot(sandbox: SandboxClient) -> tuple[str, ...]:
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    addresses = ("--open-url", sandbox.url, "--accounts-url", sandbox.url)
    return ("addbot", "演示", "--app-id", DEMO_APP_ID, *addresses, *scopes)


def in_five_processes(
    start: ProcessStarter, database_url: str, redis_url: str, *, is_public: bool = True
) -> Portal:
    """What a production runs: web, connections, worker, refresher and scheduler."""
    port, sandbox_port = free_port(), free_port()
    url, password = f"http://localhost:{port}", "a password of the tests"
    sandbox = SandboxClient(f"http://localhost:{sandbox_port}")
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": url if is_public else "",
        "FEISHU_SWEEP_SECONDS": "1",
        "FEISHU_RECONCILE_SECONDS": "0.5",
    }
    start("manage.py", "runsandbox", "--port", str(sandbox_port)).wait_for_port(sandbox_port)
    sandbox.put_app(
        DEMO_APP_ID,
        app_secret=DEMO_APP_SECRET,
        name="演示",
        redirect_urls=[f"{url}/oauth/callback/{DEMO_APP_ID}/"] if is_public else [],
        device_interval=1,
    )
    once = environment | {"FEISHU_APP_SECRET": DEMO_APP_SECRET, "DJANGO_SUPERUSER_PASSWORD": password}
    for command in (
        add_bot(sandbox),
        ("createsuperuser", "--noinput", "--username", "lin", "--email", "lin@example.com"),
    ):
        process = start("manage.py", *command, environment=once)
        assert process.wait_for_exit() == 0, process.output
    celery = ("-m", "celery", "-A", "feishu_portal")
    start(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    ).wait_for_port(port)
    start("manage.py", "runfeishu", environment=environment).wait_for("Listening")
    start(*celery, "worker", "--concurrency", "1", environment=environment)
    start(*celery, "worker", "-Q", "token_refresh", "--pool", "threads", environment=environment)
    start(*celery, "beat", environment=environment)
    return Portal(url, sandbox, "lin", password)


@pytest.fixture(scope="session")
def embedded_copies(tmp_path_factory: pytest.TempPathFactory) -> DatabaseCopies:
    """Databases of portals in one process: SQLite, whatever the session has."""
    directory = tmp_path_factory.mktemp("embedded")
    return DatabaseCopies(
        SimpleNamespace(database="sqlite", directory=directory, start_database=lambda: None)
    )


@pytest.fixture
def sandbox() -> Iterator[SandboxClient]:
    with running_sandbox(free_port()) as opened:
        yield opened


@pytest.fixture
def new_portal(managed_process: ProcessStarter) -> Iterator[Portal]:
    """Started for the first time."""
    opened = in_one_process(managed_process)
    yield opened
    opened.sandbox.close()


@pytest.fixture
def portal(managed_process: ProcessStarter, embedded_copies: DatabaseCopies) -> Iterator[Portal]:
    opened = in_one_process(managed_process, embedded_copies.create())
    yield opened
    opened.sandbox.close()


@pytest.fixture
def production(database_url: str, redis_url: str, managed_process: ProcessStarter) -> Iterator[Portal]:
    opened = in_five_processes(managed_process, database_url, redis_url)
    yield opened
    opened.sandbox.close()


@pytest.fixture
def intranet(
    sandbox: SandboxClient, managed_process: ProcessStarter, embedded_copies: DatabaseCopies
) -> Portal:
    return in_one_process_without_a_public_address(managed_process, embedded_copies.create(), sandbox)


@pytest.fixture
def production_on_an_intranet(
    database_url: str, redis_url: str, managed_process: ProcessStarter
) -> Iterator[Portal]:
    opened = in_five_processes(managed_process, database_url, redis_url, is_public=False)
    yield opened
    opened.sandbox.close()


class Person:
    """Somebody with a browser, at the sandbox's chat."""

    def __init__(self, context: BrowserContext, portal: Portal, person: str) -> None:
        self._portal = portal
        self.context = context
        self.chat: Page = context.new_page()
        self.chat.goto(f"{portal.sandbox.url}/")
        self.chat.get_by_test_id(f"person-{person}").click()
        self.chat.get_by_test_id(f"bot-{DEMO_APP_ID}").click()

    @property
    def cards(self):
        return self.chat.get_by_test_id("card")

    def say(self, text: str) -> None:
        self.chat.get_by_test_id("composer").fill(text)
        self.chat.get_by_test_id("composer").press("Enter")

    def press(self, label: str) -> None:
        """A button of the newest card that stays in the chat."""
        try:
            self.cards.last.get_by_test_id("card-button").filter(has_text=label).click()
        except PlaywrightTimeout:
            raise AssertionError(f"No button {label} on the last of {self.cards.all_inner_texts()}") from None

    def open(self, label: str) -> Page:
        """A button of the newest card that opens a page."""
        with self.context.expect_page() as opened:
            self.press(label)
        page = opened.value
        page.wait_for_load_state()
        return page

    def ask(self) -> None:
        """Write /auth and see the card."""
        self.say("/auth")
        expect(self.cards.last).to_contain_text(re.compile("需要你的授权|Your authorization is needed"))


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Person]]:
    """``person(portal)``: Li Lei with a Chinese browser of his own; others by name, other languages by ``locale``."""
    contexts: list[BrowserContext] = []

    def arrive(portal: Portal, who: str = "lilei", *, locale: str = "zh-CN") -> Person:
        contexts.append(browser.new_context(locale=locale))
        return Person(contexts[-1], portal, who)

    yield arrive
    for context in contexts:
        context.close()
