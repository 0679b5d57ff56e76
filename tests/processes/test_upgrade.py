"""An upgrade under way: listener and worker of the release before run on the schema of today and tomorrow, and are replaced.

Until there is a release, the last commit stands in for it: that shows the way, and that nothing asks for columns by their number.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes.test_webhook import HANDLERS, click, send_card
from tests.services.documents import run_block
from tests.services.platform import APP_ID, SandboxClient
from tests.services.processes import PROJECT, ManagedProcess, clean_environment
from tests.services.releases import tag_before, unpack
from tests.services.rows import Rows

# Two versions of every process start one after the other.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres"), pytest.mark.timeout(900)]

STAND_IN = "HEAD"
NO_ANSWER = 200341
"""What the client shows for a click whose answer does not come."""
TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename SIMILAR TO '(access|alerts|approvals|auth_sessions|bots|events|greetings)\\_%'"
)
CONNECTED = "SELECT DISTINCT node FROM bots_connectionslot WHERE state = 'connected'"
UNFINISHED = "SELECT COUNT(*) FROM events_event WHERE status IN ('received', 'dispatched')"
EVENTS = "SELECT COUNT(*), COUNT(DISTINCT event_id) FROM events_event"
CLICKED = """
@on_card("unknown")
def unknown(event, bot):
    return callback_response(toast=toast("success", Text("好", "Approved")))
"""


@pytest.fixture(scope="module")
def old_code(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("release-before")
    unpack(tag_before() or STAND_IN, directory)
    return directory


@pytest.fixture
def environment(environment, tmp_path) -> dict[str, str]:
    (tmp_path / "clicks.py").write_text(HANDLERS + CLICKED)
    return environment | {
        "FEISHU_HANDLERS": "clicks",
        "PYTHONPATH": str(tmp_path),
        "FEISHU_SWEEP_SECONDS": "1",
    }


def expand(rows: Rows) -> None:
    """What the migrations of the next releases may do, to every table at once."""
    tables = [name for (name,) in rows.all(TABLES)]
    assert len(tables) > 20
    for name in tables:
        rows.execute(
            f'ALTER TABLE "{name}" ADD COLUMN added_first text, ADD COLUMN added_later integer NOT NULL DEFAULT 7'
        )
    rows.execute("CREATE TABLE bots_added (id bigint PRIMARY KEY, bot_id uuid REFERENCES bots_bot)")
    rows.execute("CREATE INDEX CONCURRENTLY added ON events_event (added_later)")


class Stream:
    """What people do meanwhile: events and clicks, one after the other."""

    def __init__(self, sandbox: SandboxClient) -> None:
        self.pushed: set[str] = set()
        self.answers: list[dict] = []
        self._sandbox = sandbox
        self._card = send_card(sandbox)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.pushed.update(self._sandbox.push(count=2, wait=False))
            self.answers.append(click(self._sandbox, self._card, "unknown"))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run, name="stream")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(timeout=200)


def listener(managed_process, environment, name: str, code: Path) -> ManagedProcess:
    process = managed_process("manage.py", "runfeishu", "--node", name, environment=environment, folder=code)
    process.wait_for("Listening")
    return process


def worker(managed_process, environment, code: Path) -> ManagedProcess:
    process = managed_process(
        "-m", "celery", "-A", "feishu_portal", "worker", "--pool", "threads", "--concurrency", "2",
        environment=environment, folder=code,
    )  # fmt: skip
    process.wait_for("process_started")
    return process


def test_there_is_a_release_before_this_version():
    if tag_before() is None:
        pytest.skip("nothing is released yet: the last commit stands in for the release before")


def test_release_before_is_replaced_process_by_process_without_a_lost_event_or_click(
    bot, addbot, managed_process, environment, old_code, sandbox, rows, tmp_path
):
    sandbox.settings(ack_deadline=200)  # the test is about what gets lost, not about times
    sandbox.speed(20)
    addbot(APP_ID, "--slots", "2")
    values = clean_environment(tmp_path / "data") | environment
    run_block("docs/operations/upgrading.md", "migrate", directory=tmp_path, environment=values)
    expand(rows)
    old = [
        listener(managed_process, environment, "old", old_code),
        worker(managed_process, environment, old_code),
    ]
    old[0].wait_until(lambda: sandbox.connections() == 2, what="two connections")
    stream = Stream(sandbox)
    with stream.flowing():
        old[0].wait_until(lambda: len(stream.answers) >= 5, what="clicks on the old version")

        new_listener = listener(managed_process, environment, "new", PROJECT)
        new_listener.wait_until(
            lambda: sorted(rows.all(CONNECTED)) == [("new",), ("old",)], what="a share of it"
        )
        assert old[0].stop() == 0
        new_listener.wait_until(lambda: rows.all(CONNECTED) == [("new",)], what="the new version")
        behind = len(stream.answers)
        new_listener.wait_until(lambda: len(stream.answers) >= behind + 5, what="clicks on it")

        new_worker = worker(managed_process, environment, PROJECT)
        assert old[1].stop() == 0

    new_listener.wait_until(lambda: sandbox.acked() >= stream.pushed, what="acks")
    new_worker.wait_until(lambda: rows.one(UNFINISHED) == (0,), what="an end of every event")
    answered = [answer for answer in stream.answers if answer["code"] == 0]
    # A busy machine may only say in time that it is being worked on.
    assert {answer["toast"]["type"] for answer in answered} <= {"success", "info"}
    # One click is under way at a time, and two connections are closed: the first for the new process to take its share. A click
    # that is sent over one in that very moment may find nobody there.
    failed = [answer["code"] for answer in stream.answers if answer["code"] != 0]
    assert failed in ([], [NO_ANSWER], [NO_ANSWER] * 2)
    stored, different = rows.one(EVENTS)
    assert stored == different
    assert stored - len(stream.pushed) - len(answered) in range(len(failed) + 1)
    assert {app_id for (app_id,) in rows.all("SELECT app_id FROM bots_bot")} == {APP_ID}
