"""Pages about refused requests that Django does not see."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import get_language_from_request, override
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Scope


def page(scope: Scope, status: int, headers: Mapping[str, str], **context: Any) -> HTMLResponse:
    """The template that is named after ``status``, in the language that the browser asks for."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = Request(scope).headers.get("accept-language", "")
    with override(get_language_from_request(request)):
        return HTMLResponse(render_to_string(f"{status}.html", context), status, dict(headers))
