"""Refreshes, crashes, consents, revocations and time in any order. The sandbox's books are asked after every step:
a refresh token whose outcome is known is not shown again, and one whose outcome is uncertain only by flagged probes (I7), when
its access token is over; that is still there while it is valid, whatever became of its refresh (I8)."""

import itertools
import json
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx2
import pytest
import respx
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import integers, sampled_from

from auth_sessions.domain.refresh import refresher, spool
from auth_sessions.domain.refresh.claim import Claim, fingerprint, mark_sending
from auth_sessions.domain.refresh.commit import commit
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.tokens.grants import store_grant
from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.enums import RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, RefreshGate, UserToken
from core.access.actors import SYSTEM
from feishu.oauth import TokenSet, UserInfo
from sandbox.config import AppConfig, SandboxConfig
from sandbox.errors import TokenError
from sandbox.world.authorizations import Issued
from sandbox.world.world import World
from tests.auth_sessions.conftest import oauth_error
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PERSON = "lilei"
WHO = UserInfo("ou_asked", "on_1", "u1", "tenant", "李雷", "Li Lei", "")


MOODS: dict[str, httpx2.Response | Exception] = {
    "unreachable": httpx2.ConnectError("refused"),
    "lost before": httpx2.ReadTimeout("nobody knows"),
    "busy": oauth_error(20072, status=503, error="temporarily_unavailable"),
    "app refused": oauth_error(20002, error="invalid_client"),
    "app refused without a code": httpx2.Response(401, json={"error": "invalid_client"}),
    "gateway": httpx2.Response(502, html="<html>Bad Gateway</html>"),
    "sign-in page": httpx2.Response(200, html="<html>Sign in</html>"),
    "redirect": httpx2.Response(302, headers={"Location": "https://login.test/"}),
    "unknown code": oauth_error(29999),
}
"""What comes back instead of an answer to the refresh."""


class Died(BaseException):
    """The process was killed here."""


class Refreshing(RuleBasedStateMachine):
    """One grant, one refresher that dies now and then, and a platform with moods."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.clock = self.open.enter_context(time_machine.travel(START))
        self.open.enter_context(patch("os.fsync"))
        self.open.enter_context(patch("auth_sessions.notify.notify"))
        router = self.open.enter_context(respx.mock(base_url=PLATFORM, assert_all_called=False))
        router.post("/oauth/v3/token").mock(side_effect=self.answer)
        self.open.enter_context(patch.object(refresher, "mark_sending", self.note_probe))
        self.mood = "well"
        self.revoked = False
        self.probes: list[tuple[datetime, datetime]] = []
        for waiting in list(spool.waiting()):
            spool.discard(waiting)

    def teardown(self) -> None:
        self.open.close()

    @initialize()
    def begin(self) -> None:
        UserToken.objects.all().delete()
        self.bot = make_bot()
        self.app = AppConfig(app_id=self.bot.app_id)
        self.world = World(SandboxConfig(apps=[self.app]), clock=lambda: timezone.now().timestamp())
        self.consent()

    def note_probe(self, taken: Claim, refresh_token: str) -> bool:
        is_sent = mark_sending(taken, refresh_token)
        if is_sent and taken.attempt.probe:
            self.probes.append((timezone.now(), taken.grant.access_expires_at))
        return is_sent

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        said = MOODS.get(self.mood)
        if isinstance(said, Exception):
            raise said
        if said is not None:
            return said
        try:
            token = json.loads(request.content)["refresh_token"]
            issued = self.world.authorizations.refresh(self.app, token, None)
        except TokenError as refusal:
            return oauth_error(refusal.code)
        if self.mood == "lost after":
            raise httpx2.ReadTimeout("nobody knows")
        values = _token_set(issued)
        return httpx2.Response(
            200,
            json={
                "code": 0,
                "access_token": values.access_token,
                "expires_in": values.expires_in,
                "refresh_token": values.refresh_token,
                "refresh_token_expires_in": values.refresh_token_expires_in,
                "scope": "offline_access",
            },
        )

    # --- what happens

    @rule()
    def consent(self) -> None:
        self.world.authorizations.consent(self.app, PERSON, ["offline_access"])
        issued = self.world.authorizations.issue(self.app, PERSON, None)
        store_grant(bot=self.bot, who=WHO, tokens=_token_set(issued), asked_at=timezone.now())
        self.revoked = False

    @rule(mood=sampled_from(["well", "well", "lost after", *MOODS]))
    def platform_turns(self, mood: str) -> None:
        self.mood = mood

    @rule(minutes=integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.clock.shift(timedelta(minutes=minutes))

    @rule()
    def days_pass(self) -> None:
        self.clock.shift(timedelta(days=2))

    @rule()
    def somebody_uses_it(self) -> None:
        note_use(UserToken.objects.get())

    @rule()
    def somebody_asks(self) -> None:
        request_refresh(UserToken.objects.get())

    @rule()
    def refresh(self) -> None:
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
        Pass().run()

    def fall_due(self) -> None:
        """Idle grants rest for a day; here somebody asks after an hour."""
        self.clock.shift(timedelta(minutes=70))
        request_refresh(UserToken.objects.get())
        self.mood = "well"

    @rule(mood=sampled_from(["lost before", "lost after", "gateway", "busy"]), minutes=integers(1, 70))
    def refresh_that_hears_nothing_and_another(self, mood: str, minutes: int) -> None:
        """What becomes of an uncertain refresh when time passes and the platform is well again."""
        self.fall_due()
        self.mood = mood
        self.refresh()
        self.mood = "well"
        self.clock.shift(timedelta(minutes=minutes))
        self.refresh()

    @rule(where=sampled_from(["claimed", "sending", "sent", "answered"]), minutes=integers(0, 70))
    def refresher_dies_and_another_comes(self, where: str, minutes: int) -> None:
        """After the claim, after the mark, while the answer is on its way, or with the answer on disk."""
        self.fall_due()
        RefreshGate.objects.update(next_start_at=timezone.now() - timedelta(seconds=1))
        marked = refresher.mark_sending

        def mark_and_die(taken: Claim, refresh_token: str) -> bool:
            marked(taken, refresh_token)
            raise Died

        replaced = {
            "claimed": patch.object(refresher, "mark_sending", side_effect=Died),
            "sending": patch.object(refresher, "mark_sending", mark_and_die),
            "sent": patch.object(refresher, "commit", side_effect=Died),
            "answered": patch.object(refresher, "commit", side_effect=Died),
        }[where]
        nothing_kept = patch.object(spool, "keep") if where == "sent" else nullcontext()
        with replaced, nothing_kept, suppress(Died):
            Pass().run()
        answered = {claim_id for claim_id in spool.waiting() if self._still_fits(claim_id)}
        self.clock.shift(timedelta(minutes=minutes))
        self.refresh()
        # What was answered is not lost, whatever else is.
        assert RefreshAttempt.objects.filter(pk__in=answered, outcome=RefreshOutcome.OK).count() == len(
            answered
        )

    def _still_fits(self, claim_id: UUID) -> bool:
        attempt = RefreshAttempt.objects.select_related("token").get(pk=claim_id)
        fits = attempt.token.status != TokenStatus.REVOKED and attempt.token.generation == attempt.generation
        return fits and attempt.outcome in {"", "uncertain"}

    @rule(what=sampled_from(["consent", "revocation"]))
    def answer_that_comes_after(self, what: str) -> None:
        """What was decided while a refresh was under way counts, and not its answer."""
        self.fall_due()
        came_first: list[str] = []

        def late(*claim: Any, **values: Any) -> RefreshOutcome | None:
            if UserToken.objects.filter(status=TokenStatus.ACTIVE).exists():
                getattr(self, what)()
                came_first.append(UserToken.objects.get().refresh_token)
            return commit(*claim, **values)

        with patch.object(refresher, "commit", late):
            self.refresh()
        if came_first:
            assert UserToken.objects.get().refresh_token == came_first[-1]

    @rule(mood=sampled_from(["lost before", "lost after"]))
    def row_forgets_an_uncertain_refresh(self, mood: str) -> None:
        """As some fault elsewhere might make it: the row knows of no submission any more. The journal does."""
        self.fall_due()
        self.mood = mood
        self.refresh()
        self.mood = "well"
        UserToken.objects.filter(status=TokenStatus.ACTIVE, next_refresh_at__isnull=False).update(
            phase=RefreshPhase.IDLE,
            claim_id=None,
            lease_until=None,
            next_attempt_at=None,
            next_refresh_at=timezone.now(),
        )
        self.refresh()

    @precondition(lambda self: UserToken.objects.filter(status=TokenStatus.ACTIVE).exists())
    @rule()
    def revocation(self) -> None:
        revoke_later(grant=UserToken.objects.get(), actor=SYSTEM)
        self.revoked = True

    # --- what holds

    @invariant()
    def refresh_tokens_are_shown_once_and_then_by_probes_until_the_outcome_is_known(self) -> None:
        if not hasattr(self, "world"):
            return
        shown = RefreshAttempt.objects.filter(sent_at__isnull=False)
        for token in self.world.authorizations.refresh_tokens.values():
            assert len(token.submissions) <= shown.filter(fingerprint=fingerprint(token.value)).count()
        decided = shown.exclude(outcome__in=("not_sent", "rejected", "dead_app")).order_by(
            "fingerprint", "sent_at"
        )
        for _, same in itertools.groupby(decided, lambda attempt: attempt.fingerprint):
            first, *later = same
            assert all(attempt.probe for attempt in later)
            earlier = [first, *later][:-1]
            assert all(attempt.outcome == RefreshOutcome.UNCERTAIN for attempt in earlier)

    @invariant()
    def no_probe_is_sent_while_the_access_token_is_valid(self) -> None:
        assert all(sent >= ends for sent, ends in self.probes)

    @invariant()
    def valid_access_is_served(self) -> None:
        if not hasattr(self, "world"):
            return
        grant = UserToken.objects.get()
        if self.revoked:
            assert (grant.status, grant.access_token, grant.refresh_token) == (TokenStatus.REVOKED, "", "")
            return
        issued = self.world.authorizations.access_tokens[grant.access_token]
        assert abs(issued.expires_at - grant.access_expires_at.timestamp()) < 5

    @invariant()
    def nobody_is_given_up_whose_token_still_works(self) -> None:
        if not hasattr(self, "world"):
            return
        grant = UserToken.objects.get()
        if grant.status != TokenStatus.NEEDS_REAUTH or not grant.refresh_token:
            return
        book = self.world.authorizations.refresh_tokens[grant.refresh_token]
        assert book.used or book.expires_at <= timezone.now().timestamp()


def _token_set(issued: Issued) -> TokenSet:
    assert issued.refresh is not None
    return TokenSet(issued.access.value, 7200, issued.refresh.value, 604800, ("offline_access",))


class TestRefreshing(TestCase, Refreshing.TestCase):
    settings = settings(
        max_examples=12,
        stateful_step_count=20,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
