"""What calls share while they are under way."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, Self, TypeVar

from django.conf import settings
from django.db import Error
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from auth_sessions.domain.agents.tokens import ACCESS
from auth_sessions.domain.tokens.broker import report_rejected
from auth_sessions.domain.tokens.refresh_wait import read_grant
from auth_sessions.domain.tokens.uses import record_outcomes
from auth_sessions.models import TokenUse, UserToken
from core.background.group_commit import GroupCommit
from core.background.limits import ConcurrencyLimits
from core.background.request_bodies import BodyReader
from core.background.write_behind import WriteBehind
from core.database.thread import DatabaseThread
from core.log_context import add_to_log
from core.remote_address import normal_address
from feishu.relay import Relay
from feishu_portal.api.keys import bearer
from feishu_portal.api.mcp.agent import Agent
from feishu_portal.api.mcp.inner import AGENT
from feishu_portal.api.problems import Problem, overloaded, unauthenticated
from feishu_portal.api.proxy.admission import AdmittedCall, ApprovalNeeded, CallRequest, ContentsWanted
from feishu_portal.api.proxy.admission_batch import admit_batch
from feishu_portal.api.proxy.admission_rows import FreshRows, RowCache
from feishu_portal.api.proxy.app_tokens import AppTokens
from feishu_portal.api.proxy.call import ProxyCall
from feishu_portal.api.proxy.gate import call_to_store, contents_of, put_question
from feishu_portal.api.proxy.headers import RawHeaders
from feishu_portal.api.proxy.own_key import check_key, read_key, refusal, with_own_key
from feishu_portal.api.proxy.platform_limits import RateLimits
from feishu_portal.api.proxy.target import Target, read_target
from feishu_portal.api.proxy.upload import Upload
from feishu_portal.api.refresh_wait import await_refresh, refresh_in_progress

T = TypeVar("T")

logger = logging.getLogger(__name__)

TOTAL_SECONDS = 3600.0  # of one call
STATEMENT_SECONDS = 5.0
MAX_BATCH = 64  # calls admitted together
AUDIT_EVERY = 0.5  # seconds between two writes of how calls ended
MAX_UNAUDITED = 20_000  # calls that ended; beyond that one shows as a call whose end nobody saw
EVERYBODY: Final = ""
FALL_BACK: Final = b"app"


class ProxyServer:
    """Serves the calls of one event loop. Use as an async context manager."""

    def __init__(self) -> None:
        self.relay = Relay()
        self.app_tokens = AppTokens()
        self.rate_limits = RateLimits()
        # The audit log has a connection of its own, so that no call waits behind it.
        self._audit_database = DatabaseThread("proxy-audit")
        self.audit: WriteBehind[TokenUse] = WriteBehind(
            record_outcomes,
            name="proxy_calls",
            database=self._audit_database,
            every=AUDIT_EVERY,
            max_kept=MAX_UNAUDITED,
        )
        self._database = DatabaseThread("proxy", patience=STATEMENT_SECONDS)
        self._admissions: GroupCommit[CallRequest, AdmittedCall | UserToken] = GroupCommit(
            partial(admit_batch, cache=RowCache()),
            database=self._database,
            max_batch=MAX_BATCH,
            max_queued=settings.PROXY_CALLS,
        )
        self._limits = ConcurrencyLimits()
        self._bodies = BodyReader()

    async def __aenter__(self) -> Self:
        self._admitting = asyncio.create_task(self._admissions.run(), name="proxy-admissions")
        self._auditing = asyncio.create_task(self.audit.run(), name="proxy-audit")
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._admitting.cancel()
        self.audit.stop()
        await asyncio.gather(self._admitting, self._auditing, return_exceptions=True)
        await self.audit.flush()  # the loop's end cancels both
        self.app_tokens.close()
        await self.relay.close()
        await self._database.close()
        await self._audit_database.close()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises Problem as long as no answer has begun, ClientDisconnect when nobody wants one."""
        target, headers = read_target(scope), list(scope["headers"])
        named = dict(headers)
        agent: Agent | None = scope.get(AGENT)
        key = bearer(named.get(b"authorization", b"").decode("latin-1"))
        if key.startswith(ACCESS):
            _check_agent(agent, target)
        request = CallRequest(
            key=key,
            target=target,
            tenant_key=named.get(b"feishu-portal-tenant", b"").decode("latin-1")[:64],
            may_fall_back=named.get(b"feishu-portal-fallback", b"").lower() == FALL_BACK,
            address=normal_address(scope["client"][0] if scope.get("client") else ""),
            agent=str(agent.connected) if agent and agent.connected else "",
            agent_key=str(agent.connected.pk) if agent and agent.connected else "",
        )
        if target.asks_for_app_token:
            await self._answer_with_own_key(request, scope, receive, send)
            return
        with self._place(request.caller):
            try:
                async with asyncio.timeout(TOTAL_SECONDS):
                    upload = Upload(receive, headers)
                    request, admitted = await self._pass_gate(request, headers, upload)
                    add_to_log(app_id=admitted.bot.app_id, client=admitted.client.name)
                    call = ProxyCall(self, request, admitted, headers=headers, upload=upload, send=send)
                    await _while_wanted(call, upload)
            except TimeoutError:
                logger.warning("proxy_call_timed_out")
                raise _took_too_long() from None

    async def _pass_gate(
        self, request: CallRequest, headers: RawHeaders, upload: Upload
    ) -> tuple[CallRequest, AdmittedCall]:
        """The call, with its contents where a rule goes by them, and admitted. Raises Problem, also where a person is asked."""
        try:
            try:
                return request, await self.admit(request)
            except ContentsWanted:
                request = replace(request, contents=await contents_of(request.target, headers, upload))
                return request, await self.admit(request)
        except ApprovalNeeded as needed:
            call = await call_to_store(request.target, headers, upload)
            question = needed.question
        raise await self._ask(partial(put_question, question, call=call, address=request.address))

    @contextlib.contextmanager
    def _place(self, caller: str) -> Iterator[None]:
        """Among the calls under way; raises Problem where there are too many, of everybody or of this caller."""
        full = overloaded("The portal relays as many calls as it can.")
        everybody = self._limits.place(EVERYBODY, limit=settings.PROXY_CALLS, full=full)
        own = self._limits.place(caller, limit=settings.PROXY_CLIENT_CALLS, full=_too_many())
        with everybody, own:
            yield

    async def _answer_with_own_key(
        self, request: CallRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            key = request.key or await read_key(self._bodies, Request(scope, receive))
            with self._place(replace(request, key=key).caller):
                await self._ask(lambda: check_key(key, request.target, FreshRows()))
            response = with_own_key(key)
        except Problem as problem:
            response = refusal(problem)
        await response(scope, receive, send)

    async def admit(self, request: CallRequest) -> AdmittedCall:
        """The call, admitted, after the refresh it may need. Raises Problem, ContentsWanted, ApprovalNeeded."""
        admitted = await self._submit(request)
        if isinstance(admitted, UserToken):
            read = partial(self._ask, partial(read_grant, admitted.pk))
            await await_refresh(admitted, read, client=request.caller)
            admitted = await self._submit(replace(request, may_wait=False))
        if isinstance(admitted, UserToken):
            raise refresh_in_progress(admitted)
        return admitted

    async def admit_again(self, request: CallRequest, rejected: AdmittedCall) -> AdmittedCall | None:
        """The call with a newer token of the same person, refreshed for it if need be; None where there is none."""
        if rejected.grant is None:
            return None
        pk, generation = rejected.grant.pk, rejected.grant.generation
        grant = await self._ask(partial(report_rejected, pk, generation))
        if grant is not None and grant.generation == generation:
            read = partial(self._ask, partial(read_grant, pk))
            grant = await await_refresh(grant, read, client=request.caller)
        if grant is None or grant.generation == generation:
            return None
        with contextlib.suppress(Problem, ApprovalNeeded):
            return await self.admit(request)
        return None

    async def _submit(self, request: CallRequest) -> AdmittedCall | UserToken:
        return await _twice(partial(self._admissions.submit, request, withdraw=True))

    async def _ask(self, function: Callable[[], T]) -> T:
        """Another question to the database, between two batches."""
        return await _twice(partial(self._database.run, function))


async def _twice(question: Callable[[], Awaitable[T]]) -> T:
    """The database's answer; asked a second time where the first found that the connection had broken."""
    with contextlib.suppress(Error):
        return await question()
    try:
        return await question()
    except Error:
        raise Problem(503, "database_away", "The portal's database does not answer.", sent="no") from None


async def _while_wanted(call: ProxyCall, upload: Upload) -> None:
    """Run the call for as long as the caller is there."""
    running, leaving = asyncio.ensure_future(call.run()), asyncio.ensure_future(upload.gone())
    try:
        await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and not call.is_answered:
            raise ClientDisconnect
        await running
    finally:
        for task in (running, leaving):
            task.cancel()
        await asyncio.gather(running, leaving, return_exceptions=True)


def _check_agent(agent: Agent | None, target: Target) -> None:
    """Raises Problem where the token of an agent that a person connected is not sent by its tools, for that person and bot."""
    if agent is None or agent.connected is None:
        raise unauthenticated()
    if (target.app_id, target.person) != (agent.bot, agent.person):
        raise Problem(403, "not_permitted", "The agent is connected for another bot or person.")


def _too_many() -> Problem:
    detail = "This API client has as many calls under way as it may."
    return Problem(429, "too_many_calls", detail, sent="no", headers={"Retry-After": "1"})


def _took_too_long() -> Problem:
    return Problem(504, "upstream_failed", "The call took too long.", sent="unknown")
