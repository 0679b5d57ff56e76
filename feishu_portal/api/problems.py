"""Errors as RFC 9457 problems with a stable ``code``."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from starlette.responses import JSONResponse

from core.database.errors import described
from core.log_pace import THINNED

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An error answer (RFC 9457); ``code`` is for programs, ``detail`` for people."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = {"Cache-Control": "no-store", **(headers or {})}
        self.extra = extra

    @property
    def body(self) -> dict[str, Any]:
        """What the caller reads."""
        known = {"type": "about:blank", "status": self.status, "code": self.code, "detail": self.detail}
        return known | self.extra


def answer(problem: Problem) -> JsonResponse:
    """The problem as a response of Django's."""
    return JsonResponse(
        problem.body, status=problem.status, content_type=CONTENT_TYPE, headers=dict(problem.headers)
    )


def answer_before_django(problem: Problem, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as an ASGI application, for what is served before Django. ``headers`` are added to the problem's own."""
    return JSONResponse(
        problem.body, problem.status, {**(headers or {}), **problem.headers}, media_type=CONTENT_TYPE
    )


def not_found(what: str) -> Problem:
    """404, also for a thing that exists and is not the caller's: the two answers must not differ."""
    return Problem(404, "not_found", f"There is no such {what}.")


def unauthenticated(challenge: str = "Bearer") -> Problem:
    """401: no key, or one that is disabled or expired. ``challenge``: how to get one (RFC 6750)."""
    return Problem(
        401,
        "caller_unauthenticated",
        "Send a valid API key: Authorization: Bearer fp_…",
        headers={"WWW-Authenticate": challenge},
    )


def internal_error(**facts: Any) -> Problem:
    """An error of the portal's own: its log has the cause, the caller nothing of it."""
    return Problem(500, "internal_error", "Something went wrong in the portal; its log says what.", **facts)


def database_unavailable() -> Problem:
    """503: the database is away, or has no connection or no time for the request. How far that got, nobody knows."""
    detail = "The portal's database does not answer. Ask again shortly."
    return Problem(503, "database_unavailable", detail, headers={"Retry-After": "5"})


def overloaded(detail: str) -> Problem:
    """503: as many such requests are under way as may be. Nothing was sent."""
    return Problem(503, "overloaded", detail, sent="no", headers={"Retry-After": "1"})


def secret_sealed() -> Problem:
    """503: no key of the portal's opens the App Secret. Nothing was sent."""
    detail = "None of the portal's ENCRYPTION_KEYS opens the bot's secret."
    return Problem(503, "secret_sealed", detail, sent="no")


def install(api: NinjaAPI) -> None:
    """Make every error of the API a problem."""

    @api.exception_handler(Problem)
    def on_problem(_request: HttpRequest, error: Problem) -> HttpResponse:
        return answer(error)

    @api.exception_handler(AuthenticationError)
    def on_unauthenticated(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
        return answer(unauthenticated())

    @api.exception_handler(ValidationError)
    def on_invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [{"where": ".".join(map(str, item["loc"])), "message": item["msg"]} for item in error.errors]
        return answer(
            Problem(422, "invalid_request", "The request does not fit the description.", errors=errors)
        )

    @api.exception_handler(HttpError)
    def on_http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
        code = "not_permitted" if error.status_code == 403 else "invalid_request"
        return answer(Problem(error.status_code, code, str(error)))

    @api.exception_handler(DataError)
    def on_unstorable(_request: HttpRequest, error: DataError) -> HttpResponse:
        logger.warning("api_value_not_storable", extra={"error": str(error)})
        return answer(
            Problem(422, "invalid_request", "No database takes one of the values, e.g. a NUL in a text.")
        )

    @api.exception_handler(RequestDataTooBig)
    def on_too_large(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
        return answer(Problem(413, "body_too_large", "The body is longer than a request may be."))

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def on_database_away(_request: HttpRequest, error: Exception) -> HttpResponse:
        logger.warning("api_database_unavailable", extra=described(error) | THINNED)
        return answer(database_unavailable())

    @api.exception_handler(Exception)
    def on_error_of_our_own(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.error("api_failed", exc_info=error, extra={"method": request.method, "path": request.path})
        return answer(internal_error())

    @api.exception_handler(Http404)
    def on_missing(_request: HttpRequest, _error: Http404) -> HttpResponse:
        return answer(not_found("thing"))
