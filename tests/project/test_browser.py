import httpx2
import pytest
from playwright.sync_api import Browser

from sandbox.world import ids
from tests.services.leaks import Watch
from tests.services.ports import free_port
from tests.services.processes import ProcessStarter


@pytest.mark.browser
def test_chromium_shows_what_a_process_serves(
    browser: Browser, managed_process: ProcessStarter, tmp_path
) -> None:
    (tmp_path / "index.html").write_text(
        '<!doctype html><meta charset=utf-8><link rel=icon href="data:,"><title>门户</title>'
    )
    port = free_port()
    managed_process(
        "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)
    ).wait_for_port(port)

    with browser.new_page() as page:
        page.goto(f"http://127.0.0.1:{port}/")
        assert page.title() == "门户"


@pytest.mark.browser
def test_secrets_in_pages_and_in_answers_of_processes_are_found(
    browser: Browser, managed_process: ProcessStarter, leaks: Watch, tmp_path
) -> None:
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin" / "index.html").write_text(
        f'<!doctype html><link rel=icon href="data:,">{ids.user_token()}'
    )
    (tmp_path / "admin" / "own.html").write_text("the-app-secret-of-the-page")
    managed_process.secrets.add("the-app-secret-of-the-page")
    port = free_port()
    managed_process(
        "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)
    ).wait_for_port(port)
    portal = f"http://127.0.0.1:{port}/admin/"
    context = browser.new_context()
    context.new_page().goto(portal)
    context.close()
    httpx2.get(f"{portal}own.html", trust_env=False)
    leaks.keep("the-app-secret-of-the-page", "secret")
    assert len(leaks.leaks()) == 2
    leaks.said.clear()  # they were meant
