"""Pages about refused requests that Django does not see."""

from collections.abc import Mapping
from typing import Any

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import get_language_from_request, override
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Scope


def page(scope: Scope, status: int, headers: Mapping[str, str], **context: Any) -> HTMLResponse:
    """The template that is named after ``status``, in the language that the browser asks for, with the headers that Django's
    middleware gives to every page."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = Request(scope).headers.get("accept-language", "")
    with override(get_language_from_request(request)):
        html = render_to_string(f"{status}.html", context)
    always = {
        "Content-Security-Policy": build_policy(),
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
    }
    return HTMLResponse(html, status, always | dict(headers))
