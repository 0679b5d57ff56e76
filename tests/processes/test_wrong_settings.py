"""Every process of the portal, started with variables that are wrong: it ends with a sentence for each."""

import subprocess
import sys

import pytest

from tests.services.processes import PROJECT, clean_environment

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

STARTS = {
    "manage.py": ("manage.py", "migrate"),
    "runfeishu": ("manage.py", "runfeishu"),
    "help": ("manage.py", "help"),
    "web": ("-m", "uvicorn", "feishu_portal.asgi:application", "--port", "0"),
    "worker": ("-m", "celery", "-A", "feishu_portal", "worker"),
    "beat": ("-m", "celery", "-A", "feishu_portal", "beat"),
}


def start(arguments, data_dir, **variables) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=clean_environment(data_dir) | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("start_of", STARTS)
def test_process_with_wrong_variables_ends_with_a_sentence_for_each(start_of, tmp_path):
    ended = start(
        STARTS[start_of],
        tmp_path / "data",
        DATABASE_URL="mysql://u:hunter2-hunter2@db/portal",
        FEISHU_LEASE_SECONDS="-1",
        SECRET_KEY="",
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert [line.split()[0] for line in ended.stderr.splitlines()] == [
        "DATABASE_URL",
        "FEISHU_LEASE_SECONDS",
        "SECRET_KEY",
    ]
    assert "hunter2" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_switch_of_a_handler_that_would_replace_a_setting_ends_the_process(tmp_path):
    ended = start(STARTS["help"], tmp_path, FEISHU_HANDLER_SWITCHES="GREETING,UNFOLD=off")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        "FEISHU_HANDLER_SWITCHES cannot name UNFOLD: there are settings of this name."
    )


def test_switch_of_a_handler_is_a_setting(tmp_path):
    read = "from django.conf import settings; print(settings.GREETING, settings.SURVEY)"
    ended = start(
        ("manage.py", "shell", "--no-imports", "-c", read),
        tmp_path,
        FEISHU_HANDLER_SWITCHES="GREETING,SURVEY=off",
    )
    assert (ended.returncode, ended.stdout) == (0, "True False\n"), ended.stderr
