"""The sandbox alone: without any settings, with apps from the command line or from its page."""

import argparse
import asyncio
import os
import sys

import httpx2
import pytest

from sandbox.command import add_arguments, config_of, greeting, main
from tests.sandbox.conftest import APP_ID, Platform
from tests.services.ports import free_port
from tests.services.processes import PATIENCE, PROJECT


@pytest.mark.processes
@pytest.mark.parametrize("command", [["manage.py", "runsandbox"], ["-m", "sandbox"]])
async def test_sandbox_starts_without_a_setting_and_with_an_app(command: list[str]) -> None:
    port, environment = free_port(), {"PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--port", str(port), "--app", f"{APP_ID}:secret", cwd=PROJECT, env=environment,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert f"http://127.0.0.1:{port}/" in (await process.stdout.readline()).decode()
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                body = {"app_id": APP_ID, "app_secret": "secret"}
                while True:
                    try:
                        answer = await http.post("/open-apis/auth/v3/tenant_access_token/internal", json=body)
                        break
                    except httpx2.ConnectError:
                        await asyncio.sleep(0.05)
            assert answer.json()["code"] == 0
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--app", "cli_x:secret"], "16 hexadecimal digits"),
        (["--app", APP_ID], "a secret has to follow"),
        (["--config", "/nowhere/world.json"], "/nowhere/world.json"),
        (["--allow-host", "http://sandbox:9800"], "without scheme and port"),
    ],
)
def test_arguments_that_make_no_sense_are_explained(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err


def test_who_lets_others_reach_it_is_told_that_it_asks_for_no_password() -> None:
    options = options_of("--host", "0.0.0.0", "--allow-host", "Sandbox")
    config = config_of(options)
    said = greeting(config, options.host, options.port)

    assert "http://127.0.0.1:9800/" in said
    assert "whoever reaches its port can steer it" in said
    assert "whoever reaches" not in greeting(config, options_of().host, 9800)
    assert config.hosts == ["Sandbox"]


def options_of(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser, "en")
    return parser.parse_args(arguments)


async def test_pages_tell_of_the_control_api_and_of_what_was_missed(platform: Platform) -> None:
    assert "PUT, DELETE answers" in (await platform.http.get("/sandbox/docs")).text
    assert "暂无" in (await platform.http.get("/sandbox/misses")).text
    await platform.api("GET", "bitable/v1/apps/x/tables")
    page = await platform.http.get("/sandbox/misses", headers={"Cookie": "sandbox_lang=en"})
    assert "/open-apis/bitable/v1/apps/:app_token/tables" in page.text
    assert "not imitated here" in page.text
