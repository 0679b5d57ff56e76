import asyncio
import socket
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from feishu_portal.runtime.sandbox import serve_sandbox
from feishu_portal.runtime.web import serve_web
from tests.services.ports import free_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


async def test_web_server_that_finds_its_port_taken_names_it(taken_port):
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{taken_port}"):
        await serve_web(host="127.0.0.1", port=taken_port, ready=asyncio.Event(), stop=asyncio.Event())


async def test_web_server_that_finds_no_such_host_names_it():
    with pytest.raises(OSError, match=r"nowhere\.invalid"):
        await serve_web(host="nowhere.invalid", port=0, ready=asyncio.Event(), stop=asyncio.Event())


async def test_sandbox_that_finds_its_port_taken_names_it(taken_port):
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{taken_port}"):
        await serve_sandbox(port=taken_port, config=None, stop=asyncio.Event())


def test_runsandbox_that_finds_its_port_taken_says_so_plainly(taken_port):
    with pytest.raises(CommandError, match=f":{taken_port}"):
        call_command("runsandbox", "--port", str(taken_port))


@pytest.mark.only_on("postgres")  # whichever it is, nothing asks it
@pytest.mark.parametrize("taken", ["--port", "--sandbox-port"])
def test_runportal_that_finds_a_port_taken_says_so_plainly_and_at_once(
    managed_process, database_url, taken_port, taken
):
    free = "--sandbox-port" if taken == "--port" else "--port"
    process = managed_process(
        "manage.py", "runportal", "--sandbox", taken, str(taken_port), free, str(free_port()),
        environment={"DATABASE_URL": database_url},
    )  # fmt: skip
    assert process.wait_for_exit() == 1
    assert f"CommandError: Cannot listen on 127.0.0.1:{taken_port}" in process.output
