"""What processes load when they start. lark-oapi takes seconds and some 170 MB: none may load it before a handler asks."""

import re

import pytest

from tests.services.processes import ProcessStarter

SET_UP = (
    "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'feishu_portal.settings'; django.setup(); "
)
PROCESSES = {
    "manage.py check": ("manage.py", "check"),
    "web": ("-c", "import feishu_portal.asgi"),
    "worker": ("-c", "from feishu_portal.celery import app; app.loader.import_default_modules()"),
    "connections": ("-c", f"{SET_UP} import feishu_portal.management.commands.runfeishu"),
}


@pytest.mark.parametrize("arguments", PROCESSES.values(), ids=PROCESSES)
def test_a_process_starts_without_the_sdk(
    arguments: tuple[str, ...], managed_process: ProcessStarter
) -> None:
    process = managed_process("-X", "importtime", *arguments)

    assert process.wait_for_exit() == 0, process.output[-3000:]
    assert "django.apps" in process.output
    assert "lark_oapi" not in process.output


@pytest.mark.parametrize("name", ["worker", "connections"])
def test_a_process_without_pages_starts_without_them(name: str, managed_process: ProcessStarter) -> None:
    process = managed_process("-X", "importtime", *PROCESSES[name])

    assert process.wait_for_exit() == 0, process.output[-3000:]
    assert not re.search(r"unfold\.admin|bots\.admin|feishu_portal\.urls", process.output)


@pytest.mark.parametrize("name", ["worker", "connections"])
def test_a_process_without_the_api_starts_without_what_serves_it(
    name: str, managed_process: ProcessStarter
) -> None:
    process = managed_process("-X", "importtime", *PROCESSES[name])

    assert process.wait_for_exit() == 0, process.output[-3000:]
    assert not re.search(r"\| +(ninja|pydantic|django\.test|jinja2)\b", process.output)


def test_the_measurement_would_see_the_sdk(managed_process: ProcessStarter) -> None:
    process = managed_process("-X", "importtime", "-c", "import lark_oapi.core.const")

    assert process.wait_for_exit() == 0
    assert "lark_oapi" in process.output
