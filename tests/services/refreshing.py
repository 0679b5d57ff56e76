"""The refreshing part of a portal as production runs it, beside a sandbox. The sandbox's books are the judge."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.platform import SandboxClient
from tests.services.processes import ManagedProcess

# One call may take a third of a claim: enough for a busy machine, whose slow answers would otherwise count as lost.
LEASE_SECONDS = 9
HURRIED = {"FEISHU_REFRESH_LEASE_SECONDS": str(LEASE_SECONDS), "FEISHU_SWEEP_SECONDS": "0.5"}
ACCESS_SECONDS = 20.0
Start = Callable[..., ManagedProcess]


@dataclass(frozen=True)
class Verdict:
    """What the books say of the grants the portal holds."""

    alive: int
    """Active, with a refresh token that the platform has not seen yet."""
    lost: int
    """Spent at the platform, its successor unknown to the portal; the portal knows that and asks the person again."""
    unaware: int
    """The same, but the portal takes the grant for alive."""
    falsely_dead: int
    """Given up although the platform would still take its refresh token."""
    replays: int
    """Submissions of a refresh token after its first."""
    most: int
    """Submissions of the refresh token that was shown most often."""


class Refreshing:
    """Starts what is needed in ``environment``; ``directory`` holds the files that pass between."""

    def __init__(
        self, start: Start, environment: Mapping[str, str], sandbox: SandboxClient, directory: Path
    ) -> None:
        self.start = start
        self.environment = dict(environment) | HURRIED
        self.sandbox = sandbox
        self._directory = directory

    def refresher(self, *, pool: str = "threads") -> ManagedProcess:
        process = self.start(
            "-m", "celery", "-A", "feishu_portal", "worker", "-Q", "token_refresh", "--pool", pool,
            "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle",
            environment=self.environment,
        )  # fmt: skip
        process.wait_for("ready")
        return process

    def scheduler(self) -> ManagedProcess:
        process = self.start("-m", "celery", "-A", "feishu_portal", "beat", environment=self.environment)
        process.wait_for("scheduler_started")
        return process

    def put_grants(self, count: int, *, access_seconds: float = ACCESS_SECONDS) -> None:
        """Grants of as many people, due now."""
        file = self._directory / f"grants-{time.monotonic_ns()}.json"
        file.write_text(json.dumps(self.sandbox.grants(count)))
        process = self.start(
            "-m",
            "tests.services.portal_grants",
            "put",
            str(file),
            str(access_seconds),
            environment=self.environment,
        )
        assert process.wait_for_exit(seconds=120) == 0, process.output

    def grants(self) -> list[dict[str, Any]]:
        process = self.start("-m", "tests.services.portal_grants", "show", environment=self.environment)
        assert process.wait_for_exit(seconds=120) == 0, process.output
        found: list[dict[str, Any]] = json.loads(process.output[process.output.index("[{") :])
        return found

    def unsettled(self) -> int:
        """Grants that are neither refreshed nor given up."""
        return sum(grant["generation"] == 1 and grant["status"] == "active" for grant in self.grants())

    def used(self) -> int:
        """How many refresh tokens the platform has exchanged."""
        return sum(book["used"] for book in self.sandbox.refresh_books())

    def verdict(self) -> Verdict:
        books = {book["token"]: book for book in self.sandbox.refresh_books()}
        held = [(grant, books[grant["token"]]) for grant in self.grants()]
        active = [(grant, book) for grant, book in held if grant["status"] == "active"]
        over = [(grant, book) for grant, book in held if grant["status"] != "active"]
        return Verdict(
            alive=sum(not book["used"] for _, book in active),
            unaware=sum(book["used"] for _, book in active),
            lost=sum(book["used"] for _, book in over),
            falsely_dead=sum(not book["used"] for _, book in over),
            replays=sum(book["replays"] for book in books.values()),
            most=max(book["submissions"] for book in books.values()),
        )
