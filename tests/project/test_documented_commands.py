"""Commands and examples of quickstart and guides, run against a portal with its sandbox.

A block that cannot run here says why in its title, where readers see it too; `test_readme.py` holds its names to the code.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from sandbox.config import DEMO_APP_ID
from tests.services.documents import NOT_RUN
from tests.services.platform import SandboxClient
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ProcessStarter, clean_environment, wait_until

GUIDES: Final = ("docs/quickstart.md", "docs/how-to/*.md", "docs/migrate/*.md")
PAGES: Final = sorted(
    path for pattern in GUIDES for path in PROJECT.glob(pattern) if not path.name.endswith(".zh.md")
)
PATIENCE: Final = 300
"""Seconds for a step, against hangs alone."""
FENCE = re.compile(r"^( *)```(\w*)(?: title=\"([^\"]*)\")?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
INCLUDED = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
START = re.compile(r"^((?:[A-Z_]+=\S+ )*)make run$", re.MULTILINE)
PERSON: Final = "ou_1f2345573f990eb05955d6882b162425"
"""Of 李雷, as the demo bot knows him; the same in every sandbox."""


@dataclass(frozen=True)
class Block:
    """A fenced block; ``place`` is the page with the line, ``title`` what stands above it."""

    place: str
    language: str
    title: str
    text: str

    @property
    def runs(self) -> bool:
        return not self.title.startswith(NOT_RUN)


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in FENCE.finditer(text):
        indent, language, title, content = fence.groups()
        lines = content.replace(f"\n{indent}", "\n").removeprefix(indent)
        code = INCLUDED.sub(lambda include: (PROJECT / include[1]).read_text(encoding="utf-8"), lines)
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(f"{page.relative_to(PROJECT)}:{line}", language, title or "", code))
    return found


def code_of(page: Path) -> list[tuple[str, bool, str]]:
    """What both languages of a page have alike: of each block the language, whether it runs, and its code without comments
    and texts."""
    return [
        (block.language, block.runs, re.sub(r"(#|//) .*|\"[^\"\n]*\"", "", block.text))
        for block in blocks(page)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_both_languages_show_the_same_commands(page: Path) -> None:
    assert code_of(page.with_suffix(".zh.md")) == code_of(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_overlooked(page: Path) -> None:
    fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(fences) == 2 * len(blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_does_not_run_says_why(page: Path) -> None:
    titles = [block.title for path in (page, page.with_suffix(".zh.md")) for block in blocks(path)]

    assert [
        title for title in titles if title.rstrip("：: ") in {mark.rstrip("：: ") for mark in NOT_RUN}
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_json_is_json_and_the_shell_can_read_its_commands(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        if block.language == "sh":
            checked = subprocess.run(
                ["bash", "-n"],
                input=block.text,
                text=True,
                capture_output=True,
                check=False,
                timeout=PATIENCE,
            )
            assert checked.returncode == 0, f"{block.place}: {checked.stderr}"


@dataclass(frozen=True)
class Demo:
    """A portal with its sandbox, started as the quickstart says."""

    port: int
    sandbox: SandboxClient
    sandbox_port: int
    environment: dict[str, str]

    def here(self, text: str) -> str:
        """Commands with the addresses and programs of this portal."""
        text = re.sub(r"(?:localhost|127\.0\.0\.1):8000|portal\.example\.com", f"localhost:{self.port}", text)
        text = re.sub(r"(?:localhost|127\.0\.0\.1):9800", f"localhost:{self.sandbox_port}", text)
        text = text.replace("https://localhost", "http://localhost")
        return text.replace(".venv/bin/python", sys.executable)

    def run(self, program: list[str], text: str) -> str:
        done = subprocess.run(
            program,
            input=text,
            text=True,
            capture_output=True,
            cwd=PROJECT,
            env=self.environment,
            check=False,
            timeout=2 * PATIENCE,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout


def consent(demo: Demo) -> None:
    """李雷 authorizes the demo bot, by device code: in step 4 of the quickstart he does it in a browser."""
    key = demo.run(
        [sys.executable, "manage.py", "addapiclient", "consents", "--scope", "auth:create"], ""
    ).strip()
    api = httpx2.Client(
        base_url=f"http://localhost:{demo.port}/api/v1",
        headers={"Authorization": f"Bearer {key}"},
        timeout=PATIENCE,
    )
    with api:
        asked = api.post(
            f"/bots/{DEMO_APP_ID}/auth-sessions", json={"open_id": PERSON, "via": "device", "deliver": "link"}
        )
        assert asked.status_code == 201, asked.text
        session = asked.json()
        code = wait_until(
            lambda: api.get(f"/auth-sessions/{session['id']}").json()["user_code"],
            what="device code",
            seconds=PATIENCE,
        )
        httpx2.post(
            f"{demo.sandbox.url}/sandbox/api/device",
            json={"person": "lilei", "user_code": code},
            timeout=PATIENCE,
        ).raise_for_status()
        wait_until(
            lambda: api.get(f"/auth-sessions/{session['id']}?wait=20").json()["state"] == "authorized",
            what="authorization",
            seconds=PATIENCE,
        )


# One test for all pages, so that one portal is started, whichever worker takes it.
@pytest.mark.processes
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_every_command_of_quickstart_and_guides_runs(tmp_path: Path) -> None:
    [start_line] = START.findall((PROJECT / "docs/quickstart.md").read_text(encoding="utf-8"))
    port, sandbox_port = free_port(), free_port()
    environment = {
        "DEBUG": "on",
        "PUBLIC_URL": "",
        "FEISHU_SWEEP_SECONDS": "1",
        "FEISHU_PLATFORM_NETWORKS": "public,private,loopback",
        **dict(word.split("=", 1) for word in start_line.split()),
    }
    start = ProcessStarter(tmp_path)
    try:
        portal = start(
            "manage.py", "runportal", "--sandbox", "--port", str(port), "--sandbox-port", str(sandbox_port),
            environment=environment,
        )  # fmt: skip
        portal.wait_for("Ctrl-C stops everything", seconds=PATIENCE)
        sandbox = SandboxClient(f"http://localhost:{sandbox_port}")
        inherited = clean_environment(tmp_path / "data") | environment
        demo = Demo(port, sandbox, sandbox_port, inherited)
        consent(demo)
        printed = {page.stem: demo.run(["bash"], demo.here(script_of(page))) for page in PAGES}
        see_the_bot_answer(demo)
        sandbox.close()
    finally:
        complaints = start.close()
    assert complaints == []
    assert f"{PERSON} 李雷" in printed["quickstart"]


def see_the_bot_answer(demo: Demo) -> None:
    """What the quickstart promises of its first two examples; the page's command has said hello already."""

    def shown(text: str) -> str:
        """The first message of the chat with this in it."""
        answer = httpx2.get(
            f"{demo.sandbox.url}/sandbox/api/messages",
            params={"person": "lilei", "app_id": DEMO_APP_ID},
            timeout=PATIENCE,
        )
        found = [one["message_id"] for one in answer.json()["messages"] if text in one["content"]]
        return found[0] if found else ""

    wait_until(lambda: shown("You wrote: hello"), what="answer to hello", seconds=PATIENCE)
    demo.sandbox.say("leave", app_id=DEMO_APP_ID)
    card = wait_until(lambda: shown("One day off tomorrow"), what="card", seconds=PATIENCE)

    def approved() -> str:
        """On a machine that is too busy to answer in time a click is lost; the person clicks again."""
        httpx2.post(
            f"{demo.sandbox.url}/sandbox/api/click",
            json={"person": "lilei", "message_id": card, "button": 0},
            timeout=PATIENCE,
        )
        return shown(f"By <at id={PERSON}>")

    wait_until(approved, what="changed card", seconds=PATIENCE)


def script_of(page: Path) -> str:
    """The page's commands, one after the other, in one shell. What the reader has started already is left out."""
    lines = [
        "set -euo pipefail",
        f'curl() {{ command curl --silent --show-error --fail-with-body --max-time {PATIENCE} "$@"; }}',
    ]
    for block in blocks(page):
        if block.language == "sh" and block.runs and not START.search(block.text):
            lines += [f"echo '--- {block.place}'", block.text]
    return "\n".join(lines)


@pytest.mark.processes
@pytest.mark.timeout(900)
def test_every_example_in_python_can_be_imported(tmp_path: Path) -> None:
    examples = [
        (block.place, block.text)
        for page in PAGES
        for block in blocks(page)
        if block.language == "python" and block.runs and "sys.argv" not in block.text
    ]
    program = (
        "import json, sys, django; django.setup()\n"
        "for place, text in json.load(sys.stdin):\n"
        "    exec(compile(text, place, 'exec'), {'__name__': place})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(examples),
        text=True,
        capture_output=True,
        cwd=PROJECT,
        env=clean_environment(tmp_path) | {"DJANGO_SETTINGS_MODULE": "feishu_portal.settings"},
        check=False,
        timeout=2 * PATIENCE,
    )
    assert examples
    assert done.returncode == 0, done.stderr[-3000:]
