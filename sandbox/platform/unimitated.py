"""What is not imitated here: a canned answer if somebody has put one, else a refusal that says what is missing."""

from typing import Final

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from feishu.api_list import Api
from sandbox.errors import PlatformError
from sandbox.platform import catalogue
from sandbox.platform.api_front import Call, admit
from sandbox.world.answers import CannedAnswer

NOT_IMITATED: Final = -501
"""No code of the platform's own is negative."""
METHOD_NOT_MATCH: Final = 99991301
NO_SUCH_API: Final = 99991201


async def answer(call: Call, *, path_known: bool) -> Response:
    """Raises PlatformError: refusals of the gateway, and those for what is not here.

    `path_known`: the path is imitated with another method.
    """
    method, path = call.request.method, call.request.url.path
    api = catalogue.find(method, path)
    canned = call.world.answers.find(method, path)
    if canned:
        return await _canned(call, canned, api)
    shown = api.path if api else path
    call.world.answers.missed(
        method, shown, exists=api is not None, app_id=_app_of(call), at=call.world.now_ms
    )
    if api is not None:
        raise not_imitated(api)
    if path_known or catalogue.exists(path):
        raise PlatformError(METHOD_NOT_MATCH, "method not match", status=405)
    raise PlatformError(NO_SUCH_API, "api not found", status=404)


def not_imitated(api: Api) -> PlatformError:
    return PlatformError(
        NOT_IMITATED,
        f"not in this sandbox: {api} exists at the platform, but is not imitated here. "
        "PUT /sandbox/api/answers gives it an answer; /sandbox/docs says how.",
        status=501,
    )


async def _canned(call: Call, canned: list[CannedAnswer], api: Api | None) -> Response:
    """The answer, when the gateway lets the caller through."""
    found = canned[0]
    tokens = _tokens(found, api)
    if tokens:
        caller = await admit(
            call,
            f"{found.method} {found.path}",
            tenant=bool(tokens & {"tenant", "app"}),
            user="user" in tokens,
            scopes=found.scopes,
        )
        fitting = (answer for answer in canned if answer.app_id in {None, caller.app.app_id})
        chosen = next(fitting, None)
        if chosen is None:
            raise PlatformError(NOT_IMITATED, "the answer for this API is for another app", status=501)
        found = chosen
    return _response(found)


def _tokens(found: CannedAnswer, api: Api | None) -> frozenset[str]:
    if found.tokens is not None:
        return frozenset(found.tokens)
    return api.tokens if api else frozenset({"tenant", "user"})


def _response(found: CannedAnswer) -> Response:
    if found.text is not None:
        content, media_type = found.text.encode().ljust(found.bytes), "text/plain; charset=utf-8"
    else:
        body = {"code": 0, "msg": "success", "data": {}} if found.body is UNSET else found.body
        content, media_type = _padded(body, found.bytes), "application/json; charset=utf-8"
    response = Response(content, status_code=found.status, media_type=media_type)
    for name, value in found.headers.items():
        response.headers[name] = value
    return response


def _padded(body: object, size: int) -> bytes:
    content = msgspec.json.encode(body)
    if not isinstance(body, dict) or len(content) >= size:
        return content
    missing = max(0, size - len(msgspec.json.encode({**body, "padding": ""})))
    return msgspec.json.encode({**body, "padding": "x" * missing})


def _app_of(call: Call) -> str:
    """Whose token the call carries, if it is known."""
    value = call.request.headers.get("authorization", "").rpartition(" ")[2]
    token = call.world.tenant_tokens.find(value) or call.world.authorizations.access_tokens.get(value)
    return token.app_id if token else ""
