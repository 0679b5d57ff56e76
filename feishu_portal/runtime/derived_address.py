"""The PUBLIC_URL that ``runportal --sandbox`` derives from its port, for the commands that run beside it: ``checkbot`` would
say else that there is none."""

from typing import Final

from django.conf import settings

FILE: Final = "public_url"
"""In DATA_DIR, while the portal runs."""


def derive(url: str) -> None:
    """Make this the PUBLIC_URL of this process, and of commands that ask with ``adopt``."""
    settings.PUBLIC_URL = url
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    (settings.DATA_DIR / FILE).write_text(f"{url}\n", encoding="utf-8")


def forget() -> None:
    """The portal that derived it has ended, or a portal without a sandbox begins."""
    (settings.DATA_DIR / FILE).unlink(missing_ok=True)


def adopt() -> None:
    """Where PUBLIC_URL is not set, take the one that a portal beside this command derived."""
    if settings.PUBLIC_URL:
        return
    try:
        settings.PUBLIC_URL = (settings.DATA_DIR / FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
