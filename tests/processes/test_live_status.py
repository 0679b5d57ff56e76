"""The page of connections follows real processes: through its socket, and by asking where it cannot have one."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services.platform import APP_ID, SandboxClient
from tests.services.ports import free_port
from tests.services.processes import ProcessStarter

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.browser, pytest.mark.only_on("postgres")]

PASSWORD = "a password of the tests"


@pytest.fixture
def portal(
    bot: None,
    runfeishu: Callable[..., object],
    managed_process: ProcessStarter,
    environment: dict[str, str],
) -> str:
    """Web and connections in processes of their own; the address of the web process."""
    runfeishu("--node", "app-1")
    account = managed_process(
        "manage.py", "createsuperuser", "--noinput", "--username", "lin", "--email", "lin@example.com",
        environment=environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )  # fmt: skip
    assert account.wait_for_exit() == 0, account.output
    port = free_port()
    managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=environment
    ).wait_for_port(port)
    return f"http://localhost:{port}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def open_connections(page: Page, portal: str) -> None:
    page.goto(f"{portal}/admin/login/?next=/admin/connections/")
    page.fill("#id_username", "lin")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    # What is not reloaded keeps the mark.
    page.wait_for_selector("[data-testid=board]")
    page.evaluate("window.same = true")


def expect_state(page: Page, health: str) -> None:
    expect(page.get_by_test_id(f"row-{APP_ID}")).to_have_attribute("data-health", health)


def lose_and_recover(page: Page, sandbox: SandboxClient) -> None:
    """Cut the connection and keep new ones out for a while; the page shows both without being reloaded."""
    expect_state(page, "connected")
    expect(page.get_by_test_id("slot-1")).to_contain_text("Connected")
    sandbox.faults(discovery={"http_status": 503})
    sandbox.disturb("drop", app_id=APP_ID)
    expect_state(page, "reconnecting")
    expect(page.get_by_test_id("reason")).to_be_visible()
    sandbox.faults()
    expect_state(page, "connected")
    assert page.evaluate("window.same")


def test_lost_connection_shows_without_reload(portal: str, page: Page, sandbox: SandboxClient) -> None:
    open_connections(page, portal)
    expect(page.get_by_test_id("live-status")).to_have_text("Live")
    lose_and_recover(page, sandbox)


def test_the_same_shows_where_no_socket_can_be_had(portal: str, page: Page, sandbox: SandboxClient) -> None:
    page.route_web_socket(re.compile("/live/"), lambda socket: socket.close(code=1011))
    open_connections(page, portal)
    expect(page.get_by_test_id("live-status")).to_have_text("Every few seconds")
    lose_and_recover(page, sandbox)


def test_operator_disconnects_and_connects_a_bot_and_sees_by_whom(portal: str, page: Page) -> None:
    open_connections(page, portal)
    expect_state(page, "connected")
    row = page.get_by_test_id(f"row-{APP_ID}")
    row.get_by_test_id("menu").click()
    row.get_by_role("link", name="Disconnect").click()
    page.get_by_test_id("ask").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_test_id(f"row-{APP_ID}")).to_contain_text("Disconnected by Operator · lin")
    row.get_by_test_id("menu").click()
    row.get_by_role("link", name="Connect", exact=True).click()
    page.get_by_test_id("ask").get_by_role("button", name="Connect").click()
    expect_state(page, "connected")
