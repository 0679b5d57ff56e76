"""Django's own error pages under the API's addresses as problems: unknown paths, wrong methods, refused requests."""

import re
from typing import Final, NoReturn

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.middleware import response_middleware
from feishu_portal.api.problems import Problem, answer, internal_error, not_found

ROOTS: Final = r"(?:api|proxy|mcp|\.well-known|oauth/agents/(?:register|token|revoke))(?:/|$)"
"""Paths that callers ask for and nobody reads in a browser, without the slash they begin with."""


def unknown_path(_request: HttpRequest) -> NoReturn:
    """The last route under ``ROOTS``: Django redirects to a path with a slash at its end where no route matches."""
    raise Http404


def is_for_callers(path: str) -> bool:
    """Whether the path is one of the API's, which answers problems and no pages."""
    return re.match(ROOTS, path[1:]) is not None


@response_middleware
def problems_for_callers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response, or a problem of the same status where it is a page about an error. Has to be the outermost middleware,
    so that it also sees what another one refused."""
    if not isinstance(response, HttpResponse) or response.status_code < 400:
        return response
    is_page = response.headers.get("Content-Type", "").startswith("text/")
    if not is_page or not is_for_callers(request.path_info):
        return response
    problem = answer(_problem(request.method or "", response.status_code))
    # In its place: closing it here would tell Django that the request is over.
    response.content = problem.content
    response.headers.pop("Content-Length", None)
    response.cookies.clear()
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def _problem(method: str, status: int) -> Problem:
    match status:
        case 404:
            return not_found("path")
        case 405:
            return Problem(405, "method_not_allowed", f"{method} is not possible here.")
        case 403:
            return Problem(403, "not_permitted", "The request was refused.")
        case _ if status < 500:
            return Problem(status, "invalid_request", "The request cannot be read.")
        case _:
            return internal_error()
