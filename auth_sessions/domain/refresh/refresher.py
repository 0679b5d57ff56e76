"""One pass of the refresher: settle what was left, then refresh what is due, many at once, as fast as each app allows.

This thread talks to the database; the threads it starts talk to the platform and to the disk, so that a slow platform
holds no database connection. A pass ends when nothing is due, when its time is over, or when the process is asked to stop;
answers to what was sent by then are waited for and stored.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from auth_sessions.domain.refresh import gate, spool
from auth_sessions.domain.refresh.claim import AlreadySubmitted, Claim, OutcomeKnown, claim, mark_sending
from auth_sessions.domain.refresh.commit import commit, release
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.domain.refresh.recovery import drain_spool, recover
from auth_sessions.domain.refresh.submission import Submission, oauth_of, submit
from auth_sessions.enums import RefreshOutcome
from auth_sessions.log_facts import of_grant
from auth_sessions.metrics import note_spooled
from auth_sessions.models import UserToken
from bots.enums import ProcessPart
from bots.models import Bot
from core.background.vitals import vitals
from core.database.connections import close_own
from core.database.errors import described
from core.installation.watch import watch
from core.log_context import log_context
from core.log_pace import THINNED
from core.vault.keyring import SealedValueError

logger = logging.getLogger(__name__)

PASS_SECONDS = 10.0
IN_FLIGHT = 24  # what a process that is killed can leave uncertain
IN_FLIGHT_PER_APP = 8
TICK = 0.05  # seconds between two checks of the rates
POLL_SECONDS = 2.0  # between two polls for due grants
WINDOW = 100  # due grants of one app read together
RETRY_COMMIT = 0.5  # seconds
DATABASE_AWAY = (OperationalError, InterfaceError)


def due_grants(bot: Bot, most: int) -> list[UUID]:
    """Due grants of one app, the ones that end first first."""
    return list(UserToken.objects.due().filter(bot=bot).by_urgency().values_list("pk", flat=True)[:most])


def apps_with_due_grants() -> list[Bot]:
    due = UserToken.objects.due().values("bot_id").distinct()
    return list(Bot.objects.enabled().filter(pk__in=due))


@dataclass(slots=True)
class _Queue:
    """Due grants, app by app. Read again now and then, because other refreshers claim from them too."""

    wake: Event
    stale_at: float = 0.0
    apps: dict[Bot, deque[UUID]] = field(default_factory=dict)

    def poll(self, *, is_last: bool) -> None:
        """``is_last``: no submission is in flight that could make more grants due, as the probe of an app does."""
        is_over = is_last and not self.apps
        if time.monotonic() < self.stale_at and not self.wake.is_set() and not is_over:
            return
        self.wake.clear()
        self.apps = {}
        for bot in apps_with_due_grants():
            most = WINDOW
            if gate.is_paused(bot):
                most = 1 if gate.take_probe(bot) else 0
            if grants := due_grants(bot, most):
                self.apps[bot] = deque(grants)
        self.stale_at = time.monotonic() + POLL_SECONDS

    def take(self, bot: Bot, most: int) -> list[UUID]:
        waiting = self.apps[bot]
        taken = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        if not waiting:
            del self.apps[bot]
            self.stale_at = 0.0  # there may be more
        return taken


class Pass:
    """One pass; ``run`` returns how often each outcome came. ``could_keep_answers`` is False where it sent nothing for that.

    ``stopping`` is asked before anything is claimed; ``wake`` is set when more grants may be due.
    """

    def __init__(
        self,
        *,
        wake: Event | None = None,
        stopping: Callable[[], bool] = lambda: False,
        seconds: float = PASS_SECONDS,
    ) -> None:
        self.outcomes: Counter[RefreshOutcome] = Counter()
        self.could_keep_answers = True
        self._stopping = stopping
        self._until = time.monotonic() + seconds
        self._queue = _Queue(wake or Event())
        self._in_flight: dict[Future[Submission], Bot] = {}
        self._unstored: list[tuple[float, Submission]] = []  # each with the deadline of its retries

    @property
    def is_unfinished(self) -> bool:
        """Whether the pass ended because its time was over, with more to do."""
        return bool(self._queue.apps) and time.monotonic() >= self._until

    def run(self) -> Counter[RefreshOutcome]:
        taking = self._recover() and self._can_keep_answers()
        note_spooled(spool.count())
        with ThreadPoolExecutor(IN_FLIGHT, "refresh") as threads:
            while True:
                vitals.passed(ProcessPart.REFRESH)
                taking = taking and not self._stopping() and time.monotonic() < self._until
                if taking:
                    taking = self._take(threads)
                if not taking and not self._in_flight and not self._unstored:
                    return self.outcomes
                self._collect()

    def _recover(self) -> bool:
        """Whether refresh tokens may be sent. Of a passive portal not even answers are stored: its grants may be older."""
        if watch.is_passive():
            return False
        try:
            drain_spool()
            recover()
        except DATABASE_AWAY as error:
            _drop_connection(error)
            return False
        return True

    def _take(self, threads: ThreadPoolExecutor) -> bool:
        """Claim and send what the rates allow now; False when this pass has nothing more to claim."""
        try:
            self._queue.poll(is_last=not self._in_flight)
            if not self._queue.apps:
                return bool(self._in_flight)
            if not self._can_keep_answers():
                return False
            for bot in list(self._queue.apps):
                for taken in self._claim(bot):
                    self._send(taken, threads)
        except DATABASE_AWAY as error:
            _drop_connection(error)
            return False
        return True

    def _can_keep_answers(self) -> bool:
        """Asked also where nothing is due: a full disk is to be known before the first token needs it."""
        try:
            spool.check()
        except spool.SpoolUnusable as problem:
            logger.error("refresh_spool_unusable", extra={"problem": str(problem)} | THINNED)  # noqa: TRY400 -- a traceback adds nothing
            self.could_keep_answers = False
            return False
        return True

    def _claim(self, bot: Bot) -> Iterator[Claim]:
        in_app = sum(other == bot for other in self._in_flight.values())
        room = min(IN_FLIGHT_PER_APP - in_app, IN_FLIGHT - len(self._in_flight), len(self._queue.apps[bot]))
        slots = gate.reserve(bot, room) if room > 0 else 0
        while slots > 0 and bot in self._queue.apps:
            claims = claim(bot, self._queue.take(bot, slots))
            slots -= len(claims)
            yield from claims

    def _send(self, taken: Claim, threads: ThreadPoolExecutor) -> None:
        with log_context(**of_grant(taken.grant)):
            self._send_claimed(taken, threads)

    def _send_claimed(self, taken: Claim, threads: ThreadPoolExecutor) -> None:
        try:
            oauth, refresh_token = oauth_of(taken), taken.grant.refresh_token
        except SealedValueError:
            logger.exception("refresh_key_missing", extra={"grant": str(taken.grant.pk)})
            release(taken)
            return
        try:
            if not mark_sending(taken, refresh_token):
                return
        except OutcomeKnown as known:
            refused = SubmissionResult(RefreshOutcome.DEAD_USER, code=known.code)
            self._store(Submission(taken, refused, taken.attempt.claimed_at))
            return
        except AlreadySubmitted:
            self._store(
                Submission(taken, SubmissionResult(RefreshOutcome.UNCERTAIN), taken.attempt.claimed_at)
            )
            return
        self._in_flight[threads.submit(submit, taken, oauth, refresh_token)] = taken.grant.bot

    def _collect(self) -> None:
        """Store the answers that have come, and again those that the database did not take."""
        done, _ = (
            wait(self._in_flight, timeout=TICK, return_when=FIRST_COMPLETED)
            if self._in_flight
            else (set(), None)
        )
        if not self._in_flight:
            time.sleep(TICK)
        for future in done:
            del self._in_flight[future]
            self._store(future.result())
        if self._unstored:
            time.sleep(RETRY_COMMIT)
            unstored, self._unstored = self._unstored, []
            for until, submission in unstored:
                self._store(submission, until=until)

    def _store(self, submission: Submission, *, until: float = 0.0) -> None:
        claimed, result = submission.claim, submission.result
        try:
            with log_context(**of_grant(claimed.grant)):
                outcome = commit(claimed, result, asked_at=submission.asked_at)
        except (DatabaseError, InterfaceError) as error:
            _drop_connection(error)
            self._retry_later(submission, until)
            return
        spool.discard(claimed.attempt.pk)
        if outcome is not None:
            self.outcomes[outcome] += 1

    def _retry_later(self, submission: Submission, until: float) -> None:
        """Until the lease is over. After that the spool alone keeps the answer, for the next pass to store."""
        if not until:
            spool.keep(submission.claim.attempt, submission.result, asked_at=submission.asked_at)
            until = time.monotonic() + settings.REFRESH_LEASE_SECONDS
        if time.monotonic() < until and not self._stopping():
            self._unstored.append((until, submission))


def _drop_connection(error: DatabaseError | InterfaceError) -> None:
    logger.warning("refresh_database_away", extra=described(error) | THINNED)
    close_own()
