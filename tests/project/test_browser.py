import pytest
from playwright.sync_api import Browser

from tests.services.ports import free_port
from tests.services.processes import ProcessStarter


@pytest.mark.browser
def test_chromium_shows_what_a_process_serves(
    browser: Browser, managed_process: ProcessStarter, tmp_path
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><meta charset=utf-8><title>门户</title>")
    port = free_port()
    managed_process(
        "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)
    ).wait_for_port(port)

    with browser.new_page() as page:
        page.goto(f"http://127.0.0.1:{port}/")
        assert page.title() == "门户"
