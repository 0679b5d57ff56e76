"""Answers that are not what the platform promises: of gateways in front of it, of proxies, of old versions."""

import json
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.wire import FINISH
from sandbox.world.faults import CallFault

_STATUS: Final = {"html": 502, "sign_in": 200, "redirect": 307}
_PAGES: Final = {
    "html": "<html><body><h1>502 Bad Gateway</h1></body></html>",
    "sign_in": "<html><body><form>Sign in to the network</form></body></html>",
    "redirect": "",
}


def spoil(answer: Response, fault: CallFault) -> Response:
    """The answer as the fault makes it."""
    kind = fault.answer
    if kind in _PAGES:
        headers = {"Location": "https://portal.invalid/login"} if kind == "redirect" else {}
        return Response(_PAGES[kind], status_code=_STATUS[kind], headers=headers, media_type="text/html")
    body = json.loads(bytes(answer.body) or b"{}")
    if kind == "gbk":
        content = json.dumps(body | {"msg": "成功"}, ensure_ascii=False).encode("gbk")
        return Response(content, status_code=answer.status_code, media_type="application/json")
    changed = _as_texts(body) if kind == "string_numbers" else _without(body, str(kind))
    return Response(json.dumps(changed), status_code=answer.status_code, media_type="application/json")


class HalfAnswer(Response):
    """Announces an answer as it is and ends in the middle of its body."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.body, status_code=answer.status_code)
        self.raw_headers = answer.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        finish = scope.get("extensions", {}).get(FINISH)
        if finish is not None:
            finish()
            while (await receive())["type"] != "http.disconnect":
                pass


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _without(body: dict[str, Any], kind: str) -> dict[str, Any]:
    names = {"no_scope": {"scope"}}.get(
        kind, {"refresh_token", "refresh_token_expires_in", "refresh_expires_in"}
    )
    return {key: value for key, value in body.items() if key not in names}
