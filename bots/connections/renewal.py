"""Renewing the leases of one process, and how far it may rely on them.

A database that does not answer costs no connection: no other process can claim one either. But a process that has slept
through the end of its leases finds out first whether they are still its own, and without an answer assumes that they
are not.
"""

import asyncio
from dataclasses import dataclass

from django.db import Error

from bots.connections.leases import Survey, renew
from bots.connections.processes import Peer
from core.database.thread import DatabaseThread
from feishu.long_connection.sleep import counting_sleep

PROOF_TIMEOUT = 1.0
"""Seconds for which a process that has overslept its leases keeps its sockets without proof that it holds them."""

clock = counting_sleep


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """``seconds`` a lease lasts by the database's clock, renewed every ``interval`` seconds or so."""

    seconds: float
    interval: float

    @property
    def trusted(self) -> float:
        """Seconds after asking for a lease for which its holder relies on it, by its own clock."""
        return self.seconds * 5 / 6


class LeasesOverslept(Exception):
    """The process has slept through the end of its leases, and the database does not say whether it still holds them."""


class LeaseRenewal:
    """The leases of one process, as far as it knows."""

    def __init__(self, database: DatabaseThread, *, node: str, terms: LeaseTerms) -> None:
        self._database = database
        self._node = node
        self._terms = terms
        self._was_answered = False
        self._had_trouble = False
        self._trusted_until = clock() + terms.trusted
        self._patient_until = 0.0

    @property
    def is_trusted(self) -> bool:
        """Whether what the database last said still counts."""
        return clock() <= self._trusted_until

    @property
    def is_patient(self) -> bool:
        """Whether leases that ran out are left to their holders, which had the same trouble, to renew them."""
        return clock() < self._patient_until

    def note_trouble(self) -> None:
        """The database did not answer, or not as it should."""
        self._had_trouble = True

    async def renew(self, me: Peer, *, is_taking_over: bool) -> tuple[Survey, bool]:
        """Renew the leases and survey the fleet; the flag says that they had run out, and rows may have been corrected.
        ``is_taking_over``: the process has connections for slots that it does not hold yet.

        Raises LeasesOverslept, django.db.Error or TimeoutError.
        """
        asked = clock()
        had_run_out = not self.is_trusted
        overslept = had_run_out and self._was_answered
        self._was_answered = False
        try:
            async with asyncio.timeout(PROOF_TIMEOUT if overslept else None):
                survey = await self._database.run(
                    renew,
                    me,
                    name=self._node,
                    seconds=self._terms.seconds,
                    is_taking_over=is_taking_over,
                )
        except (Error, TimeoutError) as error:
            if overslept:
                raise LeasesOverslept from error
            raise
        self._was_answered = True
        self._trusted_until = asked + self._terms.trusted
        if had_run_out or self._had_trouble:
            self._patient_until = clock() + self._terms.seconds
            self._had_trouble = False
        return survey, had_run_out
