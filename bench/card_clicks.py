"""A thousand clicks on cards whose handler takes ten seconds: ``make bench-clicks``.

Everybody clicks in the same moment. The sandbox holds the clock over each answer and has the cards; the portal is one
``runfeishu`` and two workers. A click has three seconds on the platform.
"""

import argparse
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2

from bench.portal import MeasuredPortal, measured_portal
from bench.report import say
from bench.slow_card import DONE, SECONDS, question
from feishu.credentials import AppCredentials
from feishu.openapi import OpenAPI
from feishu.platforms import Platform
from tests.services.platform import APP_ID, APP_SECRET
from tests.services.rows import Rows

IN_TIME = 2_500.0  # milliseconds
PEOPLE = 20  # the sandbox shows the last 200 messages of a chat
WORKERS = 2
THREADS = 64  # of each worker; the callback lane has its own
SENDING = 8  # cards at once
PATIENCE = 600.0  # seconds for the last card


@dataclass(frozen=True)
class Card:
    person: str
    message_id: str


class Office:
    """People of the sandbox who click on the bot's cards."""

    def __init__(self, portal: MeasuredPortal) -> None:
        self._portal = portal
        self._api = f"{portal.sandbox.url}/sandbox/api"
        self._http = httpx2.Client(base_url=self._api, timeout=60)

    def hand_out(self, count: int) -> list[Card]:
        """So many cards, in turn to everybody."""
        people = [f"p{number:02}" for number in range(PEOPLE)]
        for person in people:
            self._http.post("/people", json={"id": person, "name": person}).raise_for_status()
        known = self._http.get("/people", params={"app_id": APP_ID}).json()["people"]
        open_ids = {person["id"]: person["open_id"] for person in known}
        url = self._portal.sandbox.url
        api = OpenAPI(AppCredentials(APP_ID, APP_SECRET, Platform(url, url)))

        def send(number: int) -> Card:
            person = people[number % PEOPLE]
            return Card(person, api.send_card(open_ids[person], question(number)).message_id)

        self._portal.sandbox.settings(rate_limits=False)
        with ThreadPoolExecutor(SENDING) as threads:
            cards = list(threads.map(send, range(count)))
        self._portal.sandbox.settings(rate_limits=True)
        return cards

    def click_all(self, cards: list[Card]) -> list[dict[str, Any]]:
        """What each saw."""
        clicks = [{"person": card.person, "message_id": card.message_id, "name": "approve"} for card in cards]
        answer = self._http.post("/clicks", json={"clicks": clicks}).raise_for_status()
        seen: list[dict[str, Any]] = answer.json()["results"]
        return seen

    def done(self) -> int:
        """Cards that show what the handler returned."""
        shown = 0
        for number in range(PEOPLE):
            chat = self._http.get("/messages", params={"app_id": APP_ID, "person": f"p{number:02}"}).json()
            shown += sum(DONE in str(message["content"]) for message in chat["messages"])
        return shown


def run(portal: MeasuredPortal, count: int) -> bool:
    """Print what became of the clicks; whether all was as promised."""
    office = Office(portal)
    listener = portal.start("manage.py", "runfeishu", environment=portal.environment)
    for _ in range(WORKERS):
        worker = portal.start(
            "-m", "celery", "-A", "feishu_portal", "worker", "--pool", "threads", "--concurrency", "2",
            "--loglevel", "INFO", environment=portal.environment,
        )  # fmt: skip
        worker.wait_for("ready", seconds=60)
    portal.scheduler()
    listener.wait_until(lambda: portal.sandbox.connections() > 0, what="connection", seconds=60)
    cards = office.hand_out(count)
    began = time.monotonic()
    seen = office.click_all(cards)
    clicked = time.monotonic() - began
    while (done := office.done()) < count and time.monotonic() < began + PATIENCE:
        time.sleep(1)
    return _judge(portal, seen, clicked=clicked, done=done, patched=time.monotonic() - began)


def _judge(
    portal: MeasuredPortal, seen: list[dict[str, Any]], *, clicked: float, done: int, patched: float
) -> bool:
    times = sorted(one["latency_ms"] for one in seen)
    codes = sorted({one["code"] for one in seen})
    said = sorted({(one["toast"] or {}).get("type", "nothing") for one in seen})
    say(f"{len(seen)} clicks within {clicked:.1f} s, answered with code {codes} and toast {said}")
    say(
        f"answers: p50 {statistics.median(times):.0f} ms, p99 {times[int(len(times) * 0.99)]:.0f} ms, longest {times[-1]:.0f} ms"
    )
    say(f"{done} cards show what the handler returned, the last after {patched:.1f} s")
    rows = Rows(portal.environment["DATABASE_URL"])
    [once] = rows.one("SELECT count(*) FROM events_handlerrun WHERE status = 'succeeded' AND attempts = 1")
    [answered_late] = rows.one("SELECT count(*) FROM events_event WHERE answered_late")
    rows.close()
    say(f"{once} handlers succeeded at the first try; {answered_late} clicks are noted as answered late")
    verdicts = {
        f"every click answered within {IN_TIME:.0f} ms": codes == [0] and times[-1] <= IN_TIME,
        "every card patched in the end": done == len(seen),
        "every handler run once": once == len(seen),
        "every late answer counted": answered_late == len(seen),
    }
    for promise, is_kept in verdicts.items():
        say(f"{promise}: {'kept' if is_kept else 'missed'}")
    return all(verdicts.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--clicks", type=int, default=1_000)
    options = parser.parse_args()
    environment = {"FEISHU_HANDLERS": "bench.slow_card", "FEISHU_HANDLER_THREADS": str(THREADS)}
    say(f"{options.clicks} clicks, a handler of {SECONDS:g} s, {WORKERS} workers with {THREADS} threads each")
    with measured_portal(**environment) as portal:
        kept = run(portal, options.clicks)
    if not kept:
        sys.exit(1)


if __name__ == "__main__":
    main()
