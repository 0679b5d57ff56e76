"""Who opens a one-time link: a person, or something that reads links before people do."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers


def is_opened_by_person(request: HttpRequest) -> bool:
    """Whether a person is at it, so that a one-time link may be used up.

    Mail gateways, chat previews and virus scanners open links too. A form that is posted is a person's doing, and so is a
    navigation that the browser itself calls user-activated (Fetch Metadata, ``Sec-Fetch-User``); anything else, prefetching
    included, is shown a page whose button posts.
    """
    return request.method == "POST" or request.headers.get("Sec-Fetch-User") == "?1"


def allow_redirect(page: HttpResponse, target: str) -> None:
    """For a page whose form is answered with a redirect to ``target``: browsers hold that redirect to the page's own
    ``form-action`` as well."""
    parts = urlsplit(target)
    page._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]  # noqa: SLF001 -- django-csp's name


def private(response: HttpResponse, *, has_form: bool = False) -> HttpResponse:
    """The address holds a one-time value: no cache may keep it, no link may pass it on, and Django does not log it, as it
    would the address of every answer from 400 on. A page with a form names itself to this portal alone: with no referrer
    at all browsers send ``Origin: null``, which is how a forged form looks."""
    add_never_cache_headers(response)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- Django's name
    response["Referrer-Policy"] = "same-origin" if has_form else "no-referrer"
    return response
