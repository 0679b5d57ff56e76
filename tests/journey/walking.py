"""One page of each kind that the console's links lead to."""

from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.journey.conftest import Portal

LINKS: Final = """[...document.querySelectorAll("a[href]")].map(
    (link) => new URL(link.getAttribute("href"), document.baseURI).href
)"""
MAX_PAGES: Final = 120
NO_PAGES: Final = ("logout", "export")
"""Parts of paths under which there is none: the second one is a download."""


def sign_in(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/admin/")
    page.fill("#id_username", portal.username)
    page.fill("#id_password", portal.password)
    page.press("#id_password", "Enter")
    expect(page.locator("#id_password")).to_have_count(0)


def shape_of(address: str) -> str:
    """The path with what tells one row from another left out: one page of each kind is enough."""
    return "/".join(
        "*" if len(part) > 20 or part.isdigit() else part for part in urlsplit(address).path.split("/")
    )


def walk(page: Page, start: str, look: Callable[[Page], None]) -> set[str]:
    """Opens one page of each kind that links below /admin/ lead to, and looks at it; what it has opened, by kind."""
    waiting, seen = deque([start]), {shape_of(start)}
    while waiting:
        page.goto(waiting.popleft(), wait_until="load")
        look(page)
        for address in page.evaluate(LINKS):
            parts = urlsplit(address)
            is_ours = parts.netloc == urlsplit(start).netloc and parts.path.startswith("/admin/")
            if (
                is_ours
                and not set(NO_PAGES) & set(parts.path.split("/"))
                and shape_of(address) not in seen
                and len(seen) < MAX_PAGES
            ):
                seen.add(shape_of(address))
                waiting.append(address)
    return seen
