"""The console's content security policy: Unfold's scripts need eval, so /admin/ alone may."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from core.middleware import response_middleware


@response_middleware
def console_policy(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Relaxes the policy of responses under the console's root."""
    if isinstance(response, HttpResponse) and request.path.startswith(reverse("admin:index")):
        response._csp_replace = settings.CONSOLE_CSP  # type: ignore[attr-defined]  # noqa: SLF001 -- django-csp's name
    return response


def allow_form_target(response: HttpResponseBase, origin: str) -> None:
    """For a page with a form that is answered by a redirect to ``origin``: browsers apply the page's ``form-action`` to it as
    well."""
    response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]  # noqa: SLF001 -- django-csp's name
