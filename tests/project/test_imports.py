"""What processes load when they start: each module costs every start its time and every process its memory. Names, no times:
those depend on the machine."""

import importlib
import pkgutil
import re
from typing import Final

import pytest

from tests.services.processes import ProcessStarter

SDK: Final = ("lark_oapi",)
"""Takes seconds and some 170 MB: a handler that asks for it loads it."""
PAGES: Final = ("bots.admin", "feishu_portal.urls", "unfold.admin")
API: Final = ("django.test", "ninja", "pydantic")
SERVER: Final = ("feishu_portal.asgi", "feishu_portal.front.heads", "uvicorn")
ON_DEMAND: Final = ("mcp", "segno", "webauthn", "OpenSSL")
"""Agents, QR codes and passkeys: loaded for the first who uses them."""
EXTRAS: Final = ("opentelemetry", "sentry_sdk")
"""For who switched them on; redis loads OpenTelemetry where both are there."""
REDIS: Final = ("redis",)
LISTENER: Final = ("feishu_portal.runtime.connections", "websockets")
SANDBOX: Final = ("sandbox.config", "sandbox.server")
"""The console draws previews of cards with the sandbox's script, and so knows the package."""

SET_UP: Final = (
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'feishu_portal.settings'; django.setup(); "
)
PROCESSES: Final = {
    "manage.py check": (("manage.py", "check"), (SDK, REDIS, EXTRAS, ("mcp",))),
    "manage.py addbot": (
        ("manage.py", "addbot", "--help"),
        (SDK, PAGES, API, SERVER, ON_DEMAND, REDIS, EXTRAS, SANDBOX),
    ),
    "manage.py migrate": (
        ("manage.py", "migrate", "--plan"),
        (SDK, PAGES, API, SERVER, ON_DEMAND, REDIS, EXTRAS, SANDBOX),
    ),
    "web": (("-c", "import feishu_portal.asgi"), (SDK, ON_DEMAND, REDIS, EXTRAS, SANDBOX)),
    "worker": (
        ("-c", "from feishu_portal.celery import app; app.loader.import_default_modules()"),
        (SDK, PAGES, API, SERVER, ON_DEMAND, REDIS, EXTRAS, SANDBOX, LISTENER),
    ),
    "connections": (
        ("-c", f"{SET_UP} import feishu_portal.management.commands.runfeishu"),
        (SDK, PAGES, API, SERVER, ON_DEMAND, REDIS, EXTRAS, SANDBOX),
    ),
    "runportal": (
        ("-c", f"{SET_UP} import feishu_portal.management.commands.runportal"),
        (SDK, PAGES, API, ("feishu_portal.asgi",), ON_DEMAND, REDIS, EXTRAS),
    ),
}
"""How each starts, and what it does not load. Each is tried without Redis: with it, its library belongs to every process."""


@pytest.mark.parametrize(("arguments", "absent"), PROCESSES.values(), ids=PROCESSES)
def test_a_process_starts_without_what_others_need(
    arguments: tuple[str, ...], absent: tuple[tuple[str, ...], ...], managed_process: ProcessStarter
) -> None:
    loaded = modules_of(managed_process, *arguments)

    assert "django.apps" in loaded
    assert not {name for names in absent for name in names} & loaded


def test_the_measurement_would_see_the_sdk(managed_process: ProcessStarter) -> None:
    assert "lark_oapi" in modules_of(managed_process, "-c", "import lark_oapi.core.const")


@pytest.mark.parametrize(
    "package", ["auth_sessions", "bots", "core", "events", "feishu", "feishu_portal", "sandbox"]
)
def test_every_module_can_be_imported_without_a_warning(package: str) -> None:
    """A Python that is new deprecates, and warnings are errors here; most modules are loaded by some test or other, not all."""
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def modules_of(managed_process: ProcessStarter, *arguments: str) -> set[str]:
    """What Python imports when it is run with ``arguments`` and no Redis."""
    process = managed_process("-X", "importtime", *arguments, environment={"DEBUG": "on", "REDIS_URL": ""})
    assert process.wait_for_exit() == 0, process.output[-3000:]
    return set(re.findall(r"^import time: .*\| +(\S+)$", process.output, re.MULTILINE))
