"""The endpoints that agents call themselves: to register, for tokens, and to give them back.

The official SDK's handlers do it. They are imported with the first request: the SDK takes memory that a process without
agents does not need.
"""

import json
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from auth_sessions.domain.agents.access import SCOPE, offer, resource
from auth_sessions.domain.agents.consent import is_resource
from core.background.pace import Pace, PaceOfEach
from core.remote_address import address_of, network_of

HANDLERS: Final = "auth_sessions.pages.agents.provider"
MAX_BODY: Final = 16 * 1024
KEPT: Final = ("redirect_uris", "client_name")
"""Of what a program says when it registers."""
_FORM: Final = "application/x-www-form-urlencoded"
REGISTRATIONS: Final = PaceOfEach[str](Pace(1 / 30, burst=timedelta(minutes=10)))
"""Of one address: twenty at once, then one in half a minute. A whole office may have one address."""
TOKENS: Final = PaceOfEach[str](Pace(1, burst=timedelta(minutes=2)))


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """A program says who it is and gets its ``client_id``. It has no secret, whatever it asked for."""
    _check_offered()
    if (refusal := _refused(request, REGISTRATIONS, "application/json")) is not None:
        return refusal
    body = request.body
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        # What else a program says of itself counts for nothing (RFC 7591, 2), so none of it is a reason to refuse it.
        kept = {name: said[name] for name in KEPT if said.get(name) is not None}
        body = json.dumps(kept | {"token_endpoint_auth_method": "none", "scope": SCOPE}).encode()
    return _handled("register", request, body)


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """A code or a refresh token is exchanged for new tokens."""
    _check_offered()
    if (refusal := _refused(request, TOKENS, _FORM)) is not None:
        return refusal
    meant = request.POST.get("resource", "")
    if meant and not is_resource(meant):
        return _refusal(400, "invalid_target", f"resource has to be {resource()}.")
    return _handled("token", request, request.body)


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """An agent gives its tokens back, which it may also where nobody connects agents any more."""
    if (refusal := _refused(request, TOKENS, _FORM)) is not None:
        return refusal
    return _handled("revoke", request, request.body)


def _check_offered() -> None:
    if offer() is None:
        raise Http404


def _refused(request: HttpRequest, pace: PaceOfEach[str], kind: str) -> HttpResponse | None:
    """What is answered to a request that is none of ``kind``, or one too many of its address."""
    if request.content_type != kind:
        return _refusal(400, "invalid_request", f"The Content-Type has to be {kind}.")
    if not (seconds := pace.start(network_of(address_of(request)))):
        return None
    response = _refusal(429, "temporarily_unavailable", "Too many requests come from this address.")
    response["Retry-After"] = str(int(seconds) + 1)
    return response


def _refusal(status: int, error: str, description: str) -> JsonResponse:
    said = {"error": error, "error_description": description}
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})


def _handled(name: str, request: HttpRequest, body: bytes) -> HttpResponse:
    """The SDK's answer. Its handlers await the database in this very thread (``sync_to_async`` within ``async_to_sync``)."""
    if len(body) > MAX_BODY:
        return _refusal(413, "invalid_request", f"A body may have {MAX_BODY} bytes.")
    from starlette.requests import Request  # noqa: PLC0415 -- with the handlers

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    kind = request.headers.get("Content-Type", "").encode("latin-1", errors="replace")
    scope = {"type": "http", "method": "POST", "path": request.path, "query_string": b""}
    asked = Request(scope | {"headers": [(b"content-type", kind)]}, receive)
    handler = import_module(HANDLERS).HANDLERS[name]
    answer = async_to_sync(handler)(asked, address_of(request))
    response = HttpResponse(bytes(answer.body), status=answer.status_code)
    for header, value in answer.headers.items():
        if header != "content-length":
            response[header] = value
    response["Cache-Control"] = "no-store"
    return response
