"""One call of the proxy: sent, sent again with another token where the platform rejected the first, and its answer relayed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import httpx2
from starlette.types import Send

from auth_sessions.models import TokenUse
from core.background.write_behind import WriteBehind
from core.database.text import storable
from feishu.codes import PER_CHAT
from feishu.errors import APIError, FeishuError, TransportError
from feishu.relay import Relay
from feishu.responses import rate_limit
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import AdmittedCall, CallRequest
from feishu_portal.api.proxy.app_tokens import AppTokens
from feishu_portal.api.proxy.headers import RawHeaders, has_body, to_caller, to_platform
from feishu_portal.api.proxy.metrics import count_proxied
from feishu_portal.api.proxy.platform_limits import RateLimits, limit_keys
from feishu_portal.api.proxy.platform_outcome import PeekedAnswer, peek
from feishu_portal.api.proxy.upload import Upload, UploadStalled

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60.0  # in which the caller has to take the next bytes


class CallServices(Protocol):
    """What calls share."""

    relay: Relay
    app_tokens: AppTokens
    audit: WriteBehind[TokenUse]
    rate_limits: RateLimits

    async def admit(self, request: CallRequest) -> AdmittedCall: ...

    async def admit_again(self, request: CallRequest, rejected: AdmittedCall) -> AdmittedCall | None: ...


@dataclass(slots=True)
class Attempt:
    """A call under way with one token, and its entry in the audit log."""

    admitted: AdmittedCall
    token: str
    started: float
    answer: PeekedAnswer

    @property
    def use(self) -> TokenUse:
        return self.admitted.use


class ProxyCall:
    """Call ``run()`` once. ``is_answered`` from the moment the last byte of the answer is sent."""

    def __init__(
        self,
        services: CallServices,
        request: CallRequest,
        admitted: AdmittedCall,
        *,
        headers: list[tuple[bytes, bytes]],
        upload: Upload,
        send: Send,
    ) -> None:
        self._services = services
        self._request = request
        self._admitted = admitted
        self._headers = to_platform(headers)
        self._upload = upload
        self._send = send
        self.is_answered = False

    async def run(self) -> None:
        """Raises Problem as long as no answer has begun."""
        limits = self._services.rate_limits
        keys = limit_keys(self._request.target, self._admitted.use.tenant_key)
        if left := max(limits.seconds_left(keys.api), limits.seconds_left(keys.path)):
            self._record(self._admitted.use, status=429)
            raise Problem(
                429,
                "rate_limited",
                "The platform asked to be called less often. Nothing was sent.",
                sent="no",
                headers={"Retry-After": str(max(1, round(left + 0.5)))},
            )
        attempt = await self._attempt(self._admitted, token=None)
        replayed = ""
        if attempt.answer.outcome.rejects_token(of_user=attempt.admitted.grant is not None):
            attempt, replayed = await self._send_again(attempt)
        if (seconds := attempt.answer.outcome.reset_after) is not None:
            is_of_one_chat = attempt.answer.outcome.code in PER_CHAT
            # Whom a message is for stands in its body, which is not read: then nobody is held up.
            if not is_of_one_chat or keys.path != keys.api:
                limits.reached(keys.path if is_of_one_chat else keys.api, seconds)
        await self._relay(attempt, replayed)

    async def _attempt(self, admitted: AdmittedCall, *, token: str | None) -> Attempt:
        started = time.monotonic()
        use, target = admitted.use, self._request.target
        try:
            if token is None:
                token = await self._token(admitted)
            body, headers = await self._body()
            relayed = await self._services.relay.open(
                target.method,
                admitted.bot.addresses.open_url,
                target.address,
                headers=[*self._headers, *headers, (b"authorization", f"Bearer {token}".encode())],
                body=body,
                route=admitted.route,
            )
            try:
                return Attempt(admitted, token, started, await peek(relayed))
            except BaseException:
                await relayed.close()
                raise
        except FeishuError as error:
            use.reason = error.reason or ""
            self._record(use, started=started)
            raise self._as_problem(error) from error
        except UploadStalled:
            self._record(use, started=started)
            raise Problem(408, "upload_stalled", "The request's body did not come.", sent="unknown") from None
        except BaseException:
            self._record(use, started=started)
            raise

    async def _token(self, admitted: AdmittedCall) -> str:
        if admitted.credentials is None:
            return admitted.token
        return await self._services.app_tokens.get(admitted.credentials)

    async def _body(self) -> tuple[AsyncIterator[bytes] | None, RawHeaders]:
        if self._upload.is_empty:
            no_body = self._request.target.method in {"GET", "HEAD", "DELETE"}
            return None, [] if no_body else [(b"content-length", b"0")]
        length = await self._upload.length()
        return self._upload.chunks(), [] if length is None else [(b"content-length", b"%d" % length)]

    async def _send_again(self, rejected: Attempt) -> tuple[Attempt, str]:
        """The second attempt, if there is another token and the body can be sent again; else the first. The text says which
        it is, for a header."""
        if not self._upload.is_repeatable:
            return rejected, "body-too-large"
        try:
            again, token = await self._replacement(rejected)
        except BaseException:
            await self._discard(rejected)
            raise
        if again is None:
            return rejected, "no-other-token"
        await self._discard(rejected)
        return await self._attempt(again, token=token), "done"

    async def _discard(self, attempt: Attempt) -> None:
        """Close an answer that the caller does not get."""
        await attempt.answer.relayed.close()
        self._record_answer(attempt)

    async def _replacement(self, rejected: Attempt) -> tuple[AdmittedCall | None, str | None]:
        """The call, admitted again, and the bot's other token where it acts as itself."""
        credentials = rejected.admitted.credentials
        if credentials is None:
            return await self._services.admit_again(self._request, rejected.admitted), None
        try:
            token = await self._services.app_tokens.replacement(credentials, rejected.token)
        except FeishuError:
            token = None
        return await self._services.admit(self._request) if token else None, token

    async def _relay(self, attempt: Attempt, replayed: str) -> None:
        answer, received = attempt.answer, 0
        try:
            await self._send_message(
                {
                    "type": "http.response.start",
                    "status": answer.relayed.status,
                    "headers": to_caller(
                        answer.relayed.raw_headers,
                        status=answer.relayed.status,
                        added=self._portal_headers(attempt, replayed),
                    ),
                }
            )
            for chunk in answer.beginning:
                received += len(chunk)
                await self._send_message({"type": "http.response.body", "body": chunk, "more_body": True})
            if not answer.is_whole and has_body(self._request.target.method, answer.relayed.status):
                async for chunk in answer.relayed.chunks():
                    received += len(chunk)
                    await self._send_message({"type": "http.response.body", "body": chunk, "more_body": True})
            self.is_answered = True
            await self._send_message({"type": "http.response.body", "body": b"", "more_body": False})
        except TransportError as error:
            # The status is out: all that is left is to end without the end, which the caller's client notices.
            attempt.use.reason = error.reason or ""
            self._log("proxy_answer_interrupted", error)
        except TimeoutError:
            self._log("proxy_caller_stalled")
        finally:
            await answer.relayed.close()
            self._record_answer(attempt, received=received)

    async def _send_message(self, message: dict[str, object]) -> None:
        async with asyncio.timeout(IDLE_SECONDS):
            await self._send(message)

    def _portal_headers(self, attempt: Attempt, replayed: str) -> dict[str, str]:
        """The portal's own headers."""
        grant, outcome = attempt.admitted.grant, attempt.answer.outcome
        headers = {"feishu-portal-identity": "user" if grant else "app"}
        if grant:
            headers["feishu-portal-generation"] = str(grant.generation)
        if replayed:
            headers["feishu-portal-replay"] = replayed
        if outcome.reset_after is not None:
            headers["retry-after"] = str(max(1, round(outcome.reset_after)))
        if outcome.missing_scopes:
            # In headers, for the answer stays the platform's own: the caller may be an SDK that reads it.
            headers["feishu-portal-missing-scopes"] = " ".join(outcome.missing_scopes)
            headers["link"] = f'</api/v1/bots/{self._request.target.app_id}/auth-sessions>; rel="authorize"'
        return headers

    def _as_problem(self, error: FeishuError) -> Problem:
        self._log("proxy_call_failed", error)
        if isinstance(error, APIError):
            return Problem(
                424,
                "app_misconfigured",
                "The platform gave the bot no token of its own.",
                platform_code=error.code,
                log_id=error.log_id,
            )
        sent = getattr(error, "sent", "unknown")
        timed_out = isinstance(error.__cause__, httpx2.TimeoutException)
        return Problem(
            504 if timed_out and sent == "unknown" else 502,
            "upstream_failed",
            error.info.cause.in_language("en"),
            reason=error.reason,
            cure=error.info.for_one_attempt.cure.in_language("en"),
            sent=sent,
        )

    def _log(self, event: str, error: FeishuError | None = None) -> None:
        logger.warning(
            event,
            extra={
                "client": self._admitted.client.name,
                "app_id": self._request.target.app_id,
                "method": self._request.target.method,
                "path": self._request.target.path,
                "error": str(error or ""),
                "reason": (error and error.reason) or "",
            },
        )

    def _record_answer(self, attempt: Attempt, *, received: int | None = None) -> None:
        outcome, relayed = attempt.answer.outcome, attempt.answer.relayed
        use = attempt.use
        use.code = outcome.code
        use.log_id = storable(relayed.headers.get("x-tt-logid", ""), 128)
        use.received_bytes = sum(map(len, attempt.answer.beginning)) if received is None else received
        is_limited = outcome.reset_after is not None
        limit = rate_limit(relayed.headers) if is_limited else None
        self._record(use, status=outcome.status, started=attempt.started, is_limited=is_limited, limit=limit)

    def _record(
        self,
        use: TokenUse,
        *,
        status: int | None = None,
        started: float | None = None,
        is_limited: bool = False,
        limit: int | None = None,
    ) -> None:
        use.status = status
        use.sent_bytes = self._upload.received
        use.seconds = 0.0 if started is None else time.monotonic() - started
        count_proxied(
            use,
            app_id=self._admitted.bot.app_id,
            path=self._request.target.path,
            was_sent=started is not None,
            is_rate_limited=is_limited,
            limit=limit,
        )
        self._services.audit.add(use)
