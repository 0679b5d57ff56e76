"""The first call of every official SDK: the question for an app's token, answered with the caller's own key.

An SDK that has the proxy's address as its domain and the API key as its App Secret sends that key as a token from then on,
which is what the proxy wants. No token of the platform is part of it.
"""

import json
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse

from auth_sessions.domain.agents.tokens import ACCESS
from core.access.scopes import Scope
from core.background.request_bodies import BodyReader, BodyTooLargeError, BodyTooSlowError
from feishu_portal.api.keys import permitted
from feishu_portal.api.problems import Problem, not_found, unauthenticated
from feishu_portal.api.proxy.admission import AdmissionRows
from feishu_portal.api.proxy.target import Target

MAX_BODY: Final = 16 * 1024
PLACES: Final = 256
"""Such bodies under way in one process: who sends them is not known yet, so they take no place of a call."""
BODY_SECONDS: Final = 5.0
FIRST_BYTE_SECONDS: Final = 2.0
LASTS: Final = 7200
"""Seconds after which an SDK asks again, as it does at the platform."""
_WRONG_SECRET: Final = 10014


async def read_key(bodies: BodyReader, request: Request) -> str:
    """What stands in the body as App Secret; empty where there is none. Raises Problem for a long body or a slow one."""
    try:
        body = await bodies.read(
            request, limit=MAX_BODY, places=PLACES, seconds=BODY_SECONDS, first_seconds=FIRST_BYTE_SECONDS
        )
    except BodyTooLargeError:
        detail = f"The question for a token has {MAX_BODY} bytes at most."
        raise Problem(413, "body_too_long", detail) from None
    except BodyTooSlowError:
        raise Problem(408, "body_too_slow", "The body did not come in time.") from None
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    secret = fields.get("app_secret") if isinstance(fields, dict) else None
    return secret if isinstance(secret, str) and secret.isascii() else ""


def check_key(key: str, target: Target, rows: AdmissionRows) -> None:
    """Raises Problem where the key could make no call here."""
    client = None if key.startswith(ACCESS) else rows.client(key)
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
