"""The first call of every official SDK: the question for an app's token, answered with the caller's own key.

An SDK that has the proxy's address as its domain and the API key as its App Secret sends that key as a token from then on,
which is what the proxy wants. No token of the platform is part of it.
"""

import json
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.responses import JSONResponse

from core.access.scopes import Scope
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.admission import AdmissionRows
from feishu_portal.api.proxy.target import Target
from feishu_portal.api.proxy.upload import Upload

MAX_BODY: Final = 16 * 1024
LASTS: Final = 7200
"""Seconds after which an SDK asks again, as it does at the platform."""
_WRONG_SECRET: Final = 10014


async def key_in(upload: Upload) -> str:
    """What stands in the body as App Secret; empty where there is none. Raises Problem for a long body."""
    body = b""
    async for chunk in upload.chunks():
        body += chunk
        if len(body) > MAX_BODY:
            raise Problem(413, "body_too_long", f"The question for a token has {MAX_BODY} bytes at most.")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    secret = fields.get("app_secret") if isinstance(fields, dict) else None
    return secret if isinstance(secret, str) else ""


def check_key(key: str, target: Target, rows: AdmissionRows) -> None:
    """Raises Problem where the key could make no call here."""
    client = rows.client(key)
    if client is None:
        raise unauthenticated()
    permitted(client, Scope.PROXY_USER if target.person else Scope.PROXY_APP)
    bot = rows.bot(target.app_id)
    if bot is None or not client.may_use(bot.pk):
        raise not_found("bot")


def with_own_key(key: str) -> JSONResponse:
    """The platform's answer, with the key as both kinds of token."""
    return _answer(200, code=0, msg="ok", expire=LASTS, tenant_access_token=key, app_access_token=key)


def refusal(problem: Problem) -> JSONResponse:
    """In the platform's shape, for an SDK reads it."""
    return _answer(problem.status, code=_WRONG_SECRET, msg=problem.detail)


def _answer(status: int, **body: Any) -> JSONResponse:
    return JSONResponse(body, status, {"Cache-Control": "no-store"})
