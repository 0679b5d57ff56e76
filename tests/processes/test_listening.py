"""``runfeishu`` against the sandbox, as real processes. The sandbox's books are the judge."""

import signal

import pytest

from tests.anything import UNREADABLE
from tests.services.platform import APP_ID, APP_SECRET
from tests.services.processes import PATIENCE, wait_until

pytestmark = pytest.mark.processes
# What is stored under load and after a kill is looked at on both databases; the rest says nothing of them.
only_on_postgres = pytest.mark.only_on("postgres")

EVENTS = "SELECT event_id FROM events_event ORDER BY received_at"
PAYLOADS = "SELECT status, payload FROM events_event ORDER BY received_at"
SLOT = "SELECT state, error_code, node FROM bots_connectionslot"


def until_connected(process, sandbox, count: int = 1, app_id: str = APP_ID) -> None:
    process.wait_until(lambda: sandbox.connections(app_id) == count, what=f"{count} connections")


def until_acked(process, sandbox, ids, *, seconds: float = PATIENCE) -> None:
    process.wait_until(lambda: sandbox.acked() >= set(ids), what="acks of every event", seconds=seconds)


def stored(rows) -> list[str]:
    return [event_id for (event_id,) in rows.all(EVENTS)]


def test_a_thousand_events_at_once_are_stored_once_and_acked(sandbox, bot, runfeishu, rows):
    process = runfeishu()
    until_connected(process, sandbox)
    ids = sandbox.push(count=1000)
    until_acked(process, sandbox, ids)
    assert sorted(stored(rows)) == sorted(ids)
    assert sandbox.outcomes() <= {"acked", "timeout"}  # late where the machine is busy, never refused


@only_on_postgres
def test_event_pushed_again_under_its_id_is_stored_once(sandbox, bot, runfeishu, rows):
    process = runfeishu()
    until_connected(process, sandbox)
    sandbox.push(count=3, ids=["same", "same", "same"])
    process.wait_until(lambda: sandbox.books()["counts"]["acked"] == 3, what="three acks")
    assert rows.one("SELECT event_id, duplicates FROM events_event")[0] == "same"


@pytest.mark.timeout(480)
def test_killed_in_the_middle_loses_no_acked_event_and_gets_the_others_again(sandbox, bot, runfeishu, rows):
    sandbox.speed(100)  # the platform pushes again after 0.15 s, 3 s, 36 s, 216 s
    process = runfeishu()
    until_connected(process, sandbox)
    ids = sandbox.push(count=3000, per_second=600, wait=False)
    process.wait_until(lambda: len(sandbox.acked()) > 300, what="the middle")
    process.kill()
    acked = sandbox.acked()
    assert len(acked) < len(ids)
    assert acked <= set(stored(rows))
    process = runfeishu()
    # Where the new process took longer than 39 s, some come with the last push.
    until_acked(process, sandbox, ids, seconds=300)
    assert sorted(stored(rows)) == sorted(ids)


@only_on_postgres
def test_bot_added_changed_and_disabled_is_noticed_within_five_seconds(sandbox, addbot, runfeishu, rows):
    process = runfeishu()
    addbot()
    process.wait_until(lambda: sandbox.connections() == 1, what="the connection of a new bot")
    addbot(APP_ID, "--slots", "2")
    process.wait_until(lambda: sandbox.connections() == 2, what="a second connection")
    rows.execute("UPDATE bots_bot SET enabled = false")
    process.wait_until(lambda: sandbox.connections() == 0, what="no connection")
    process.wait_until(lambda: {row[0] for row in rows.all(SLOT)} == {"stopped"}, what="stopped slots")


@only_on_postgres
def test_wrong_secret_is_an_error_with_the_platforms_code_and_a_right_one_cures_it(
    sandbox, addbot, runfeishu, rows
):
    addbot(secret="wrong")
    process = runfeishu()
    process.wait_until(lambda: rows.one(SLOT)[:2] == ("error", 1000040345), what="the error")
    addbot(secret=APP_SECRET)
    until_connected(process, sandbox)
    process.wait_until(lambda: rows.one(SLOT)[:2] == ("connected", None), what="no error any more")


@only_on_postgres
def test_bot_the_platform_does_not_know_leaves_the_others_alone(sandbox, bot, addbot, runfeishu):
    addbot("cli_00000000000000bb")
    process = runfeishu()
    until_connected(process, sandbox)


@only_on_postgres
def test_strange_frames_are_survived(sandbox, bot, runfeishu, rows):
    process = runfeishu()
    until_connected(process, sandbox)
    for disturbance in ("garbage", "text", "ping", "empty"):
        sandbox.disturb(disturbance)
        ids = sandbox.push(count=1)
        until_acked(process, sandbox, ids)
        assert stored(rows)[-1:] == ids, disturbance
    assert sandbox.books()["connections_closed"] == 0


@only_on_postgres
def test_unreadable_events_are_acked_and_quarantined(sandbox, bot, runfeishu, rows):
    process = runfeishu()
    until_connected(process, sandbox)
    for number, raw in enumerate(UNREADABLE, start=1):
        sandbox.push(count=1, raw=raw)
        process.wait_until(
            lambda number=number: sandbox.books()["counts"]["acked"] == number,
            what=f"the ack of {raw!r}",
        )
    found = [(status, bytes(payload)) for status, payload in rows.all(PAYLOADS)]
    assert found == [("quarantined", raw.encode()) for raw in UNREADABLE]


@only_on_postgres
def test_large_event_in_pieces_out_of_order_is_put_together(sandbox, bot, runfeishu, rows):
    sandbox.faults(delivery={"chunks": 9, "shuffle_chunks": True})
    process = runfeishu()
    until_connected(process, sandbox)
    ids = sandbox.push(count=1, event={"text": "飞" * 300_000})
    until_acked(process, sandbox, ids)
    assert len(rows.one("SELECT payload FROM events_event")[0]) > 900_000


@only_on_postgres
def test_dropped_connection_comes_back(sandbox, bot, runfeishu):
    process = runfeishu()
    until_connected(process, sandbox)
    sandbox.disturb("drop")
    process.wait_until(lambda: sandbox.books()["connections_opened"] == 2, what="a new connection")


@only_on_postgres
def test_term_closes_the_connection_and_says_so(sandbox, bot, runfeishu, rows):
    process = runfeishu()
    until_connected(process, sandbox)
    process.send(signal.SIGTERM)
    assert process.wait_for_exit() == 0
    assert rows.one(SLOT)[0] == "stopped"
    wait_until(lambda: sandbox.connections() == 0, what="closed connection")


@only_on_postgres
def test_only_named_bots_are_held(sandbox, bot, addbot, runfeishu):
    other = "cli_00000000000000cc"
    sandbox.put_app(other, app_secret=APP_SECRET)
    addbot(other)
    process = runfeishu("--bot", other)
    until_connected(process, sandbox, app_id=other)
    assert sandbox.connections(APP_ID) == 0
