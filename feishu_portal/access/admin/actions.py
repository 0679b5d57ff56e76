"""Buttons of a page, and the small pages behind them.

A button is a link. What changes anything asks on a page of its own first and is done by its POST.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from unfold.decorators import action as unfold_action
from unfold.enums import ActionVariant

if TYPE_CHECKING:
    from django.contrib import admin
    from django.db.models import Model

A = TypeVar("A", bound="admin.ModelAdmin[Any]")
RowPage: TypeAlias = Callable[[A, HttpRequest, str], HttpResponseBase]
ListPage: TypeAlias = Callable[[A, HttpRequest], HttpResponseBase]
Words = str | Promise


def button(
    description: Words, *, icon: str, path: str, colour: str = "default"
) -> Callable[[RowPage[A]], RowPage[A]]:
    """Marks a method ``(request, object_id)`` as one of ``actions_detail`` or ``actions_row``."""
    mark: Callable[[RowPage[A]], RowPage[A]] = unfold_action(
        description=description, icon=icon, url_path=path, variant=ActionVariant(colour)
    )
    return mark


def list_button(
    description: Words, *, icon: str, path: str, colour: str = "primary"
) -> Callable[[ListPage[A]], ListPage[A]]:
    """Marks a method ``(request)`` as one of ``actions_list``."""
    mark: Callable[[ListPage[A]], ListPage[A]] = unfold_action(
        description=description, icon=icon, url_path=path, variant=ActionVariant(colour)
    )
    return mark


def ask(
    request: HttpRequest,
    model_admin: "admin.ModelAdmin[Any]",
    *,
    title: Words,
    text: Words,
    submit: Words,
    form: forms.Form | None = None,
    row: "Model | None" = None,
    danger: bool = False,
) -> TemplateResponse:
    """The page that asks before something is done; it posts to its own address."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": title,
        "text": text,
        "submit_text": submit,
        "form": form,
        "danger": danger,
        "media": model_admin.media + form.media if form else model_admin.media,
    }
    return TemplateResponse(request, "admin/ask.html", context)
