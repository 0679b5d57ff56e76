"""The page that shows a new secret, the one time it is ever shown."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from core.console.actions import Words

if TYPE_CHECKING:
    from django.contrib import admin
    from django.db.models import Model


def show_once(
    request: HttpRequest,
    model_admin: "admin.ModelAdmin[Any]",
    *,
    row: "Model",
    title: Words,
    text: Words,
    secret: str,
) -> TemplateResponse:
    """The response to the request that made the secret, so that no cookie or session carries it, and no cache keeps it."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": title,
        "text": text,
        "secret": secret,
    }
    response = TemplateResponse(request, "admin/shown_once.html", context)
    add_never_cache_headers(response)
    return response
