"""What tools do: calls to the platform by the proxy, and to the portal by the REST API, with the agent's own key."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp
from starlette.types import Scope as Request

from core.access.scopes import Scope
from feishu.codes import explain
from feishu.numbers import integer
from feishu_portal.api.mcp.agent import Agent
from feishu_portal.api.mcp.inner import AnswerTooLongError, InnerAnswer, ask
from feishu_portal.api.problems import CONTENT_TYPE

MAX_JSON: Final = 1024 * 1024
"""Bytes of an answer that an agent reads; a list of that length has smaller pages."""
_JSON: Final = "application/json"
_ONE_OF: Final = re.compile(r"\bone of\b", re.IGNORECASE)
"""In the platform's refusal: any of the scopes that it names is enough."""
_NO_GRANT: Final = frozenset({"token_not_found"})


class ToolError(Exception):
    """A refusal that the agent reads: ``code`` is for programs, ``detail`` for the model and its person."""

    def __init__(self, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.facts = {"code": code, "detail": detail, **facts}


class Pending(ToolError):
    """No refusal: the person has been asked to approve the call."""


@dataclass(frozen=True, slots=True)
class Applications:
    """The parts of the portal that tools use."""

    proxy: ASGIApp
    rest: ASGIApp


@dataclass(frozen=True, slots=True)
class Acting:
    """One call of a tool: for which bot, and as which person; as the bot itself where ``person`` is empty."""

    agent: Agent
    applications: Applications
    origin: Request = field(repr=False)
    bot: str = ""
    person: str = ""

    async def platform(
        self,
        api: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
        content_type: str = _JSON,
    ) -> Any:
        """What the platform answers to a call of an API, written ``GET /open-apis/…/{id}``: its ``data``, where it has that.
        ``body`` is sent as JSON, or as it is where it is bytes. Raises ToolError."""
        content = body if isinstance(body, bytes) else b"" if body is None else _written(body)
        parsed = _parsed(await self.raw(api, path=path, query=query, body=content, content_type=content_type))
        return parsed.get("data", parsed) if isinstance(parsed, dict) else parsed

    async def raw(
        self,
        api: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: bytes = b"",
        content_type: str = "",
        limit: int = MAX_JSON,
    ) -> InnerAnswer:
        """The platform's answer as it is. Raises ToolError where it is no success."""
        method, template = api.split(" ", 1)
        filled = template.format_map({name: quote(value, safe="") for name, value in (path or {}).items()})
        whose = f"users/{quote(self.person, safe='@+')}" if self.person else "app"
        headers = self._headers | ({"content-type": content_type} if body else {})
        if self.agent.connection.tenant_key:
            headers["feishu-portal-tenant"] = self.agent.connection.tenant_key
        try:
            answer = await ask(
                self.applications.proxy,
                self.origin,
                method,
                f"/proxy/{quote(self.bot, safe='')}/{whose}{filled}",
                headers=headers | {"accept-encoding": "identity"},
                query=_encoded(query or {}),
                body=body,
                limit=limit,
            )
        except AnswerTooLongError:
            detail = f"The answer has more than {limit} bytes. Ask for less, e.g. with a smaller page_size."
            raise ToolError("answer_too_long", detail) from None
        await self._check(answer)
        return answer

    async def rest(
        self, method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None
    ) -> Any:
        """The JSON of the REST API's answer. Raises ToolError."""
        answer = await self._by_rest(method, path, query, body)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(answer)
        return _parsed(answer)

    async def _by_rest(
        self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None
    ) -> InnerAnswer:
        return await ask(
            self.applications.rest,
            self.origin,
            method,
            path,
            headers=self._headers | {"content-type": _JSON},
            query=_encoded(query or {}),
            body=b"" if body is None else _written(body),
            limit=4 * MAX_JSON,
        )

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.agent.connection.key}"}

    async def _check(self, answer: InnerAnswer) -> None:
        """Raises ToolError for a refusal, the platform's or the portal's, with a link where the person can end it."""
        if answer.content_type == CONTENT_TYPE:
            refusal = _refusal(answer)
            if answer.status == HTTPStatus.ACCEPTED:
                raise Pending(**refusal.facts)
            if refusal.facts["code"] in _NO_GRANT:
                refusal.facts |= await self._link()
            raise refusal
        if answer.content_type != _JSON or "content-disposition" in answer.headers:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ToolError("platform_refused", "The platform refused.", http_status=answer.status)
            return
        envelope = _parsed(answer)
        code = integer(envelope.get("code")) if isinstance(envelope, dict) else None
        if not code and answer.status < HTTPStatus.BAD_REQUEST:
            return
        facts: dict[str, Any] = {"http_status": answer.status}
        if code is not None:
            info = explain(code)
            facts |= {
                "platform_code": code,
                "cause": info.cause.in_language("en"),
                "cure": info.cure.in_language("en"),
                "log_id": answer.headers.get("x-tt-logid", ""),
            }
        said = envelope.get("msg", "") if isinstance(envelope, dict) else ""
        told = envelope.get("error") if isinstance(envelope, dict) else None
        if isinstance(told, dict) and (violations := told.get("field_violations")):
            facts["field_violations"] = violations
        if missing := answer.headers.get("feishu-portal-missing-scopes", "").split():
            one_of = _ONE_OF.search(str(said)) is not None
            facts |= {"missing_scopes": missing, **await self._link(missing, one_of=one_of)}
        raise ToolError("platform_refused", f"The platform refused: {said}", **facts)

    async def _link(self, missing: list[str] | None = None, *, one_of: bool = False) -> dict[str, Any]:
        """A link by which the person allows what the call lacks; or why there is none.

        The person is asked at once for all that is ``missing``, or for one of it where any is enough, and for all that the bot
        asks everybody for.
        """
        if not self.agent.may(Scope.AUTH_CREATE):
            return {
                "authorize_url": None,
                "authorize_error": "The API key lacks the scope auth:create, so it cannot ask the person. An operator can, in the console.",
            }
        wanted: dict[str, Any] = {"open_id": self.person, "deliver": "link"}
        if self.agent.connection.tenant_key:
            wanted["tenant_key"] = self.agent.connection.tenant_key
        if missing:
            wanted |= {"additional": True, "scopes": missing, "one_of": one_of}
        answer = await self._by_rest(
            "POST", f"/api/v1/bots/{quote(self.bot, safe='')}/auth-sessions", body=wanted
        )
        said = _parsed(answer)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return {"authorize_url": None, "authorize_error": said.get("code", "")}
        return {"authorize_url": said["authorize_url"], "link_expires_at": said["expires_at"]}


def _written(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _parsed(answer: InnerAnswer) -> Any:
    try:
        return json.loads(answer.body or b"null")
    except (ValueError, RecursionError):
        raise ToolError("upstream_failed", "The answer is no JSON.", http_status=answer.status) from None


def _refusal(answer: InnerAnswer) -> ToolError:
    problem = _parsed(answer)
    facts = {
        name: value for name, value in problem.items() if name not in {"type", "status", "code", "detail"}
    }
    if again := answer.headers.get("retry-after"):
        facts["retry_after_seconds"] = int(again) if again.isdecimal() else again
    return ToolError(problem["code"], problem["detail"], http_status=answer.status, **facts)


def _encoded(query: Mapping[str, object]) -> str:
    """Without what is None; a list is repeated, true and false are written as JSON has them."""
    said = [(name, value) for name, value in query.items() if value is not None]
    pairs = [(name, one) for name, value in said for one in (value if isinstance(value, list) else [value])]
    texts = [(name, str(one).lower() if isinstance(one, bool) else str(one)) for name, one in pairs]
    return urlencode(texts, errors="replace")
