"""The page at /api/v1/docs: Swagger UI, from the portal's own files."""

import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger


class DocsPage(Swagger):
    """In the visitor's language around a description in English. No other host is asked for anything."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Ninja would take its page from another host where it is no installed app."""
        settings = self.settings | {"url": self.get_openapi_url(api, kwargs)}
        return render(request, "api_docs.html", {"swagger_settings": json.dumps(settings, indent=1)})


PAGE: Final = DocsPage(
    settings={
        # Else Swagger UI sends the address of the description to its makers, for a badge.
        "validatorUrl": None,
        "defaultModelsExpandDepth": 0,
        "filter": True,
    }
)
