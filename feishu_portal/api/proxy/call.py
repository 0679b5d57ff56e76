"""One call: sent, sent once more with another token where the platform rejected the first, and its answer passed on."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import httpx
from starlette.types import Send

from auth_sessions.models import TokenUse
from core.database.text import storable
from feishu.errors import APIError, FeishuError, TransportError
from feishu.relay import Relay
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import Admitted, Asked
from feishu_portal.api.proxy.app_tokens import AppTokens
from feishu_portal.api.proxy.audit_writer import Endings
from feishu_portal.api.proxy.headers import has_body, to_caller, to_platform
from feishu_portal.api.proxy.platform_code import Peeked, peek
from feishu_portal.api.proxy.rate_limits import Pauses, pause_key
from feishu_portal.api.proxy.upload import Upload, UploadStalled

logger = logging.getLogger("portal.proxy")

IDLE_SECONDS = 60.0  # in which the caller has to take the next bytes


class Services(Protocol):
    """What calls share."""

    relay: Relay
    app_tokens: AppTokens
    endings: Endings
    pauses: Pauses

    async def admit(self, asked: Asked) -> Admitted: ...

    async def admit_again(self, asked: Asked, rejected: Admitted) -> Admitted | None: ...


@dataclass(slots=True)
class Attempt:
    """A call under way, and what of it will be written down."""

    admitted: Admitted
    token: str
    started: float
    peeked: Peeked

    @property
    def use(self) -> TokenUse:
        return self.admitted.use


class Call:
    """``run()`` once. ``is_answered`` as soon as the last byte of the answer is handed over."""

    def __init__(
        self,
        services: Services,
        asked: Asked,
        admitted: Admitted,
        *,
        headers: list[tuple[bytes, bytes]],
        upload: Upload,
        send: Send,
    ) -> None:
        self._services = services
        self._asked = asked
        self._admitted = admitted
        self._headers = to_platform(headers)
        self._upload = upload
        self._send = send
        self.is_answered = False

    async def run(self) -> None:
        """Raises Problem as long as no answer has begun."""
        pause = pause_key(self._asked.target, self._admitted.use.tenant_key)
        if left := self._services.pauses.left(pause):
            self._end(self._admitted.use, status=429)
            raise _paused(left)
        attempt = await self._attempt(self._admitted, token=None)
        replayed = ""
        if attempt.peeked.verdict.rejects_token(of_user=attempt.admitted.grant is not None):
            attempt, replayed = await self._once_more(attempt)
        verdict = attempt.peeked.verdict
        if verdict.reset_after is not None:
            self._services.pauses.note(pause, verdict.reset_after)
        await self._pass_on(attempt, replayed)

    async def _attempt(self, admitted: Admitted, *, token: str | None) -> Attempt:
        started = time.monotonic()
        use, credentials, target = admitted.use, admitted.credentials, self._asked.target
        try:
            token = token or admitted.token or await self._services.app_tokens.get(credentials)
            body, headers = await self._body()
            relayed = await self._services.relay.open(
                target.method,
                credentials.platform.open_url,
                target.address,
                headers=[*self._headers, *headers, ("authorization", f"Bearer {token}")],
                body=body,
                proxy=credentials.proxy,
            )
            try:
                return Attempt(admitted, token, started, await peek(relayed))
            except BaseException:
                await relayed.close()
                raise
        except FeishuError as error:
            self._end(use, started=started)
            raise self._problem(error) from error
        except UploadStalled:
            self._end(use, started=started)
            raise Problem(408, "upload_stalled", "The request's body did not come.", sent="unknown") from None
        except BaseException:
            self._end(use, started=started)
            raise

    async def _body(self) -> tuple[AsyncIterator[bytes] | None, list[tuple[str, str]]]:
        if self._upload.is_empty:
            no_body = self._asked.target.method in {"GET", "HEAD", "DELETE"}
            return None, [] if no_body else [("content-length", "0")]
        length = await self._upload.length()
        return self._upload.chunks(), [] if length is None else [("content-length", str(length))]

    async def _once_more(self, rejected: Attempt) -> tuple[Attempt, str]:
        """The second attempt, if there is another token and the body can be sent again; what became of it, for a header."""
        if not self._upload.is_repeatable:
            return rejected, "body-too-large"
        try:
            again, token = await self._replacement(rejected)
        except BaseException:
            await self._drop(rejected)
            raise
        if again is None:
            return rejected, "no-other-token"
        await self._drop(rejected)
        return await self._attempt(again, token=token), "done"

    async def _drop(self, attempt: Attempt) -> None:
        """Its answer is nobody's."""
        await attempt.peeked.relayed.close()
        self._end_with_answer(attempt)

    async def _replacement(self, rejected: Attempt) -> tuple[Admitted | None, str | None]:
        """The call, admitted anew, and the bot's own token where it is that one."""
        if rejected.admitted.grant is not None:
            return await self._services.admit_again(self._asked, rejected.admitted), None
        token = await self._other_bot_token(rejected)
        return await self._services.admit(self._asked) if token else None, token

    async def _other_bot_token(self, rejected: Attempt) -> str | None:
        try:
            return await self._services.app_tokens.renewed(rejected.admitted.credentials, rejected.token)
        except FeishuError:
            return None

    async def _pass_on(self, attempt: Attempt, replayed: str) -> None:
        peeked, received = attempt.peeked, 0
        try:
            await self._hand_over(
                {
                    "type": "http.response.start",
                    "status": peeked.relayed.status,
                    "headers": to_caller(
                        peeked.relayed.headers.multi_items(), added=self._said(attempt, replayed)
                    ),
                }
            )
            for chunk in peeked.beginning:
                received += len(chunk)
                await self._hand_over({"type": "http.response.body", "body": chunk, "more_body": True})
            if not peeked.is_whole and has_body(self._asked.target.method, peeked.relayed.status):
                async for chunk in peeked.relayed.chunks():
                    received += len(chunk)
                    await self._hand_over({"type": "http.response.body", "body": chunk, "more_body": True})
            self.is_answered = True
            await self._hand_over({"type": "http.response.body", "body": b"", "more_body": False})
        except TransportError as error:
            # The status is out: all that is left is to end without the end, which the caller's client notices.
            self._log("answer_broke_off", error)
        except TimeoutError:
            self._log("caller_stalled")
        finally:
            await peeked.relayed.close()
            self._end_with_answer(attempt, received=received)

    async def _hand_over(self, message: dict[str, object]) -> None:
        async with asyncio.timeout(IDLE_SECONDS):
            await self._send(message)

    def _said(self, attempt: Attempt, replayed: str) -> dict[str, str]:
        """The portal's own headers."""
        grant, verdict = attempt.admitted.grant, attempt.peeked.verdict
        said = {"feishu-portal-identity": "user" if grant else "app"}
        if grant:
            said["feishu-portal-generation"] = str(grant.generation)
        if replayed:
            said["feishu-portal-replay"] = replayed
        if verdict.reset_after is not None:
            said["retry-after"] = str(max(1, round(verdict.reset_after)))
        if verdict.scopes:
            # In headers, for the answer stays the platform's own: the caller may be an SDK that reads it.
            said["feishu-portal-missing-scopes"] = " ".join(verdict.scopes)
            said["link"] = f'</api/v1/bots/{self._asked.target.app_id}/auth-sessions>; rel="authorize"'
        return said

    def _problem(self, error: FeishuError) -> Problem:
        self._log("call_failed", error)
        if isinstance(error, APIError):
            return Problem(
                424,
                "app_misconfigured",
                "The platform gave the bot no token of its own.",
                platform_code=error.code,
                log_id=error.log_id,
            )
        sent = getattr(error, "sent", "unknown")
        timed_out = isinstance(error.__cause__, httpx.TimeoutException)
        return Problem(
            504 if timed_out and sent == "unknown" else 502,
            "upstream_failed",
            error.info.cause.in_language("en"),
            sent=sent,
        )

    def _log(self, event: str, error: FeishuError | None = None) -> None:
        logger.warning(
            event,
            extra={
                "client": self._admitted.client.name,
                "app_id": self._asked.target.app_id,
                "method": self._asked.target.method,
                "path": self._asked.target.path,
                "error": str(error or ""),
            },
        )

    def _end_with_answer(self, attempt: Attempt, *, received: int | None = None) -> None:
        verdict, relayed = attempt.peeked.verdict, attempt.peeked.relayed
        use = attempt.use
        use.code = verdict.code
        use.log_id = storable(relayed.headers.get("x-tt-logid", ""), 128)
        use.received_bytes = sum(map(len, attempt.peeked.beginning)) if received is None else received
        self._end(use, status=verdict.status, started=attempt.started)

    def _end(self, use: TokenUse, *, status: int | None = None, started: float | None = None) -> None:
        use.status = status
        use.sent_bytes = self._upload.received
        use.seconds = 0.0 if started is None else time.monotonic() - started
        self._services.endings.add(use)


def _paused(left: float) -> Problem:
    seconds = max(1, round(left + 0.5))
    return Problem(
        429,
        "rate_limited",
        "The platform asked to be called less often. Nothing was sent.",
        sent="no",
        headers={"Retry-After": str(seconds)},
    )
