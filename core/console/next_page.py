"""Where a page leads back to, as its address asks: never to another host."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def next_page(request: HttpRequest, default: str = "admin:index") -> str:
    """The ``next`` of the request where it is an address of the portal, else the page of ``default``."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    is_own = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_own else reverse(default)
