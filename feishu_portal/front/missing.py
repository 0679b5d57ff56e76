"""Addresses that lead nowhere have the portal's own page, also with DEBUG on: who runs `make run` is no developer of it."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.views.defaults import page_not_found

from core.middleware import response_middleware


@response_middleware
def own_missing_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """In the place of Django's debug page, which lists every route. Answers of the API are problem documents and stay."""
    is_page = type(response) is HttpResponseNotFound and response["Content-Type"].startswith("text/html")
    return page_not_found(request, Http404()) if settings.DEBUG and is_page else response
