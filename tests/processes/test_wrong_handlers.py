"""Every process of the portal, started with handlers that are wrong: it ends with sentences and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.processes import PROJECT, clean_environment

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

STARTS = {
    "command": ("manage.py", "runfeishu"),
    "web": ("-m", "uvicorn", "feishu_portal.asgi:application", "--port", "0"),
    "worker": ("-m", "celery", "-A", "feishu_portal", "worker"),
}
HANDLERS = """
from events import on

def handle(event, bot): ...

on("im.message.receive_v1")(handle)
on("im.chat.disbanded_v1")(handle)
"""


@pytest.mark.parametrize("kind", STARTS)
def test_process_ends_with_a_sentence_that_names_both_handlers(kind, tmp_path: Path):
    (tmp_path / "doubled_handlers.py").write_text(HANDLERS)
    environment = {
        "FEISHU_HANDLERS": "doubled_handlers",
        "PYTHONPATH": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    ended = subprocess.run(
        [sys.executable, *STARTS[kind]],
        cwd=PROJECT,
        env=clean_environment(tmp_path / "data") | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "doubled_handlers:7" in line
    assert "doubled_handlers:6" in line
