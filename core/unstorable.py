"""Requests with text that no database takes are refused where they enter: it would end as a DataError in some query.

JSON bodies are left to whoever reads them, who can name the field.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import InvalidPage
from django.db import DataError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

UNREADABLE = (DataError, OverflowError, ValidationError, InvalidPage, IncorrectLookupParameters)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@sync_and_async_middleware
def refuse_unstorable(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """400 for a NUL in the path, the query, the session cookie or a form."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            _check(request)
            response: Awaitable[HttpResponseBase] = get_response(request)
            return await response

        respond_async.process_exception = refuse_unreadable  # type: ignore[attr-defined]
        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        _check(request)
        response: HttpResponseBase = get_response(request)
        return response

    respond.process_exception = refuse_unreadable  # type: ignore[attr-defined]  # Django looks for it
    return respond


def refuse_unreadable(request: HttpRequest, error: Exception) -> None:
    """400 where Django's admin or Unfold took a value out of the address or a form as it stands."""
    match = request.resolver_match
    if match and match.app_name == "admin" and isinstance(error, UNREADABLE):
        raise BadRequest("The console cannot read a value of the request.") from error


def _check(request: HttpRequest) -> None:
    if any("\x00" in text for text in _texts(request)):
        raise BadRequest("The request holds a NUL.")


def _texts(request: HttpRequest) -> Iterator[str]:
    yield request.path_info
    yield request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    forms = [request.GET, *([request.POST] if request.content_type in FORMS else [])]
    for form in forms:
        for name, values in form.lists():
            yield name
            yield from (value for value in values if isinstance(value, str))
