"""Where Chromium is, and how it is started for tests."""

import os
import shutil
from collections.abc import Mapping

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root there is no sandbox of its own to be had; the rest keeps it from talking to anybody but the portal.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000
"""Milliseconds for a page or what is expected of it: against hangs alone, since browsers starve first on a busy machine."""
MISSING = "Chromium was not found: install it (Debian: apt-get install chromium) or set CHROMIUM to its path."


def find(environ: Mapping[str, str] = os.environ) -> str | None:
    """The program named by CHROMIUM, else the first of the usual names on PATH."""
    for name in filter(None, (environ.get("CHROMIUM"), *NAMES)):
        if path := shutil.which(name, path=environ.get("PATH")):
            return path
    return None


def is_required(environ: Mapping[str, str] = os.environ) -> bool:
    """With REQUIRE_CHROMIUM=1 a missing browser fails the tests that need one instead of skipping them."""
    return environ.get("REQUIRE_CHROMIUM", "") == "1"
