"""The page at /api/v1/docs: Swagger UI, from the portal's own files."""

from typing import Final

from ninja.openapi.docs import Swagger


class DocsPage(Swagger):
    """In the visitor's language around a description in English. No other host is asked for anything."""

    template = "api_docs.html"


PAGE: Final = DocsPage(
    settings={
        # Else Swagger UI sends the address of the description to its makers, for a badge.
        "validatorUrl": None,
        "defaultModelsExpandDepth": 0,
        "filter": True,
    }
)
