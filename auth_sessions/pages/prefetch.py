"""One-time links and programs that open links before people do."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from core.console.policy import allow_form_target


def is_opened_by_person(request: HttpRequest) -> bool:
    """Whether a person opens the link, so that it may be used up.

    Mail gateways, chat previews and virus scanners open links, too. Only persons post forms, and only they navigate so that
    the browser calls it user-activated (Fetch Metadata, ``Sec-Fetch-User``). Anything else, prefetching included, gets a
    page with a button that posts.
    """
    return request.method == "POST" or request.headers.get("Sec-Fetch-User") == "?1"


def allow_redirect(page: HttpResponse, target: str) -> None:
    """For a page whose form is answered by a redirect to ``target``: browsers apply the page's ``form-action`` to it as well."""
    parts = urlsplit(target)
    allow_form_target(page, f"{parts.scheme}://{parts.netloc}")


def private(response: HttpResponse, *, has_form: bool = False) -> HttpResponse:
    """For a page whose address holds a one-time secret: it is not cached, not sent as a referrer, and not logged, as Django
    logs the address of every answer from 400 on. A page with a form has to name itself to this portal: without a referrer
    browsers send ``Origin: null``, which looks like a forged form."""
    add_never_cache_headers(response)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 -- Django's name
    response["Referrer-Policy"] = "same-origin" if has_form else "no-referrer"
    return response
